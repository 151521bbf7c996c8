package placement

import (
	"bytes"
	"strings"
	"testing"

	"nodecompat/compat/manifest"
)

// FuzzEdit writes constraints into whatever a file holds: either it is refused, or a second run changes
// nothing.
func FuzzEdit(f *testing.F) {
	for _, e := range edits {
		f.Add([]byte(e.data))
	}
	f.Add([]byte("{apiVersion: v1, kind: Pod, spec: {}}"))
	for _, lineBreak := range []string{"\r", "\r\n", "\u0085", "\u2028"} {
		f.Add([]byte(strings.ReplaceAll("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: a, image: b}]\n", "\n", lineBreak)))
		f.Add([]byte("apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {a: 'x" + lineBreak + " y'}}\nspec:\n  containers: [{name: a, image: b}]\n"))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		parsed := manifest.Parse(t.Context(), "f", data)
		if len(parsed.Pods) == 0 {
			return
		}
		for _, c := range []Constraints{ranked, perArch} {
			c.Domain = domain
			all := make([]Constraints, len(parsed.Pods))
			for i := range all {
				all[i] = c
			}
			once, err := Edit(t.Context(), "f", data, parsed.Pods, all)
			if err != nil {
				continue
			}
			twice, err := Edit(t.Context(), "f", once, manifest.Parse(t.Context(), "f", once).Pods, all)
			if err != nil || !bytes.Equal(once, twice) {
				t.Fatalf("%v\n%q\n%q", err, once, twice)
			}
			if _, err := Join([][]byte{once}, owner, []Object{rule("our-1")}, nil); err != nil {
				t.Log(err)
			}
			for i, p := range parsed.Pods {
				if _, err := all[i].Patch(p); err != nil {
					t.Log(err)
				}
			}
		}
	})
}
