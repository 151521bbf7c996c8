package nodefeatures

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"hash/maphash"
	"maps"
	"slices"
	"strconv"
)

// Key is the same for two snapshots only if Match says the same of both about
// rules that name no other features, with the same explanations: the values of
// the features, what of them could not be read and why, the devices' addresses,
// and what hints look at. The operating system and the architecture, with which
// an image is compared, are part of it; the node's name and its kubelet are not.
//
// nil stands for all features.
func (s *Snapshot) Key(features []string) string {
	kept := withHints(features)
	d := digest{sha256.New()}
	d.add(s.Node.OS, s.Node.Architecture)
	for _, source := range s.Sources {
		d.add(source.Name, string(source.Status))
		for _, u := range source.Unreadable {
			if kept == nil || kept[u.Feature] {
				d.add(u.Feature, strconv.FormatBool(u.Partial), u.Reason.Code, u.Reason.Message, u.Reason.Hint)
				d.add(u.Except...)
			}
		}
	}
	facts := s.facts()
	for _, name := range facts.names() {
		d.add(name)
		if kept == nil || kept[name] {
			facts.addTo(d, name)
		}
	}
	return hex.EncodeToString(d.Sum(nil))
}

// addTo adds all elements of a feature to a digest.
func (f *facts) addTo(d digest, name string) {
	if set, ok := f.features.Flags[name]; ok {
		d.add("flags")
		d.add(slices.Sorted(maps.Keys(set.Elements))...)
	}
	if set, ok := f.features.Attributes[name]; ok {
		d.add("attributes")
		d.pairs(set.Elements)
	}
	if set, ok := f.features.Instances[name]; ok {
		d.add("devices", strconv.Itoa(len(set.Elements)))
		for _, device := range set.Elements {
			d.pairs(device.Attributes)
		}
		d.add(f.addresses[name]...)
	}
}

// A digest is a hash of strings, each with its length, so that they cannot run
// into each other.
type digest struct{ hash.Hash }

// add adds a list of strings.
func (d digest) add(list ...string) {
	size := 8
	for _, text := range list {
		size += 8 + len(text)
	}
	buffer := append(make([]byte, 0, size), strconv.Itoa(len(list))...)
	for _, text := range list {
		buffer = strconv.AppendInt(append(buffer, ' '), int64(len(text)), 10)
		buffer = append(append(buffer, ' '), text...)
	}
	d.Write(append(buffer, '\n')) //nolint:errcheck // a hash takes everything
}

// pairs adds a map, in any order: the sum of what a keyed hash makes of its
// elements, twice with different keys, which nobody who writes a snapshot knows.
func (d digest) pairs(m map[string]string) {
	var sums [2]uint64
	var buffer []byte
	for name, value := range m {
		buffer = binary.AppendUvarint(buffer[:0], uint64(len(name)))
		buffer = append(append(buffer, name...), value...)
		sums[0] += maphash.Bytes(seeds[0], buffer)
		sums[1] += maphash.Bytes(seeds[1], buffer)
	}
	buffer = binary.BigEndian.AppendUint64(buffer[:0], uint64(len(m)))
	buffer = binary.BigEndian.AppendUint64(buffer, sums[0])
	d.Write(binary.BigEndian.AppendUint64(buffer, sums[1])) //nolint:errcheck // a hash takes everything
}

// seeds are the keys of this process.
var seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}
