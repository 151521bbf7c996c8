package derive

import "io"

// readAhead reads r in a goroutine of its own, a few blocks ahead of its reader, so that unpacking
// and reading what was unpacked share two processors. Close stops it and waits until it has
// stopped; r must not block for ever.
func readAhead(r io.Reader) *aheadReader {
	a := &aheadReader{blocks: make(chan block, 4), free: make(chan []byte, 6), stop: make(chan struct{})}
	go func() {
		defer close(a.blocks)
		for {
			var b block
			select {
			case buffer := <-a.free:
				b.data = buffer[:cap(buffer)]
			default:
				b.data = make([]byte, 256<<10)
			}
			n, err := io.ReadFull(r, b.data)
			if b.data = b.data[:n]; err != nil {
				b.err = err
				if err == io.ErrUnexpectedEOF { //nolint:errorlint // io.ReadFull's own is bare
					b.err = io.EOF
				}
			}
			select {
			case a.blocks <- b:
			case <-a.stop:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return a
}

// A block is what was read, and the error behind it.
type block struct {
	data []byte
	err  error
}

type aheadReader struct {
	blocks  chan block
	free    chan []byte
	stop    chan struct{}
	current block
	at      int
}

// Read takes what was read ahead.
func (a *aheadReader) Read(p []byte) (int, error) {
	for a.at == len(a.current.data) {
		if a.current.err != nil {
			return 0, a.current.err
		}
		if a.current.data != nil {
			select {
			case a.free <- a.current.data:
			default:
			}
		}
		a.current, a.at = <-a.blocks, 0
	}
	n := copy(p, a.current.data[a.at:])
	a.at += n
	return n, nil
}

// Close stops the reading.
func (a *aheadReader) Close() error {
	close(a.stop)
	for range a.blocks { //nolint:revive // drained, so that the goroutine ends
	}
	return nil
}
