package artifact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/spec/yamltree"
)

// rawIndex is an index that is edited in place: what others wrote into it, known to us or not,
// stays as it is.
type rawIndex struct {
	fields  map[string]json.RawMessage
	entries []rawEntry
}

type rawEntry struct {
	ocispec.Descriptor
	raw json.RawMessage
}

// newRawIndex is an empty OCI index.
func newRawIndex() *rawIndex {
	return &rawIndex{fields: map[string]json.RawMessage{
		"schemaVersion": json.RawMessage(`2`),
		"mediaType":     json.RawMessage(`"` + ocispec.MediaTypeImageIndex + `"`),
	}}
}

// parseRawIndex reads an index for editing.
func parseRawIndex(item Item, raw []byte) (*rawIndex, error) {
	malformed := func(err error) error {
		return &MalformedError{Item: item, Reason: "it is no index: " + jsonProblem(raw, err), Err: err}
	}
	ix := &rawIndex{}
	if err := yamltree.Unmarshal(raw, &ix.fields); err != nil {
		return nil, malformed(err)
	}
	var entries []json.RawMessage
	if list, ok := ix.fields["manifests"]; ok {
		if err := yamltree.Unmarshal(list, &entries); err != nil {
			return nil, malformed(fmt.Errorf("manifests: %w", err))
		}
	}
	if odd := oddKey(raw, "schemaVersion", "mediaType", "artifactType", "manifests", "subject", "annotations"); odd != "" {
		return nil, ambiguous(item, odd)
	}
	if ix.fields == nil {
		return nil, &MalformedError{Item: item, Reason: "it is no index, but null"}
	}
	if len(entries) > MaxReferrerEntries {
		return nil, &TooLargeError{Item: item, Limit: MaxReferrerEntries, Unit: "entries", Size: int64(len(entries))}
	}
	for _, raw := range entries {
		e := rawEntry{raw: raw}
		if err := yamltree.Unmarshal(raw, &e.Descriptor); err != nil {
			return nil, malformed(fmt.Errorf("an entry of manifests: %w", err))
		}
		if odd := oddKey(raw, "mediaType", "digest", "size", "artifactType", "annotations", "platform"); odd != "" {
			return nil, ambiguous(item, odd)
		}
		ix.entries = append(ix.entries, e)
	}
	return ix, nil
}

// oddKey finds a key of a JSON object on which readers differ: one that is there twice, case aside, or
// is known in another case. Go's decoder takes it for the known one, others don't.
func oddKey(raw []byte, known ...string) string {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return ""
	}
	var seen []string
	for d.More() {
		t, err := d.Token()
		key, ok := t.(string)
		if err != nil || !ok {
			return ""
		}
		if slices.ContainsFunc(seen, func(other string) bool { return strings.EqualFold(key, other) }) ||
			slices.ContainsFunc(known, func(other string) bool { return key != other && strings.EqualFold(key, other) }) {
			return key
		}
		seen = append(seen, key)
		var skip json.RawMessage
		if d.Decode(&skip) != nil {
			return ""
		}
	}
	return ""
}

func ambiguous(item Item, key string) error {
	return &MalformedError{Item: item, Reason: fmt.Sprintf("its key %q is there twice or in another case, which programs read differently", printable(key, maxServerText))}
}

func (ix *rawIndex) has(d digest.Digest) bool {
	for _, e := range ix.entries {
		if e.Digest == d {
			return true
		}
	}
	return false
}

func (ix *rawIndex) descriptors() []ocispec.Descriptor {
	list := make([]ocispec.Descriptor, len(ix.entries))
	for i, e := range ix.entries {
		list[i] = e.Descriptor
	}
	return list
}

// add appends an entry unless its digest is there, and reports whether it did.
func (ix *rawIndex) add(d ocispec.Descriptor) (bool, error) {
	if ix.has(d.Digest) {
		return false, nil
	}
	raw, err := json.Marshal(d)
	if err != nil {
		return false, err
	}
	ix.entries = append(ix.entries, rawEntry{Descriptor: d, raw: raw})
	return true, nil
}

// drop takes out all entries of a digest, and reports whether there were any.
func (ix *rawIndex) drop(d digest.Digest) bool {
	kept := ix.entries[:0]
	for _, e := range ix.entries {
		if e.Digest != d {
			kept = append(kept, e)
		}
	}
	dropped := len(kept) < len(ix.entries)
	ix.entries = kept
	return dropped
}

// encode writes the index, refusing one that readers would refuse.
func (ix *rawIndex) encode(item Item) ([]byte, error) {
	list := make([][]byte, len(ix.entries))
	for i, e := range ix.entries {
		list[i] = e.raw
	}
	// Not by json.Marshal, which would escape <, > and & in what others wrote.
	ix.fields["manifests"] = slices.Concat([]byte("["), bytes.Join(list, []byte(",")), []byte("]"))
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(ix.fields); err != nil {
		return nil, err
	}
	raw := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if len(raw) > MaxManifestSize {
		return nil, &TooLargeError{Item: item, Limit: MaxManifestSize, Unit: "bytes", Size: int64(len(raw))}
	}
	return raw, nil
}
