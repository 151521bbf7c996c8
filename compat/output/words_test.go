package output_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"nodecompat/compat"
	"nodecompat/compat/golden"
	"nodecompat/compat/output"
)

// explained are the words whose explanations have golden files; "" is the list of all.
var explained = map[string]struct {
	word  string
	style output.Style
}{
	"words.txt":           {"", output.Style{}},
	"words_feature.txt":   {"pci.device", output.Style{}},
	"words_element.txt":   {"kernel.config.XFS_FS", output.Style{ASCII: true, Width: 50}},
	"words_operator.txt":  {"InRegexp", output.Style{Color: true}},
	"words_code.txt":      {"noArtifact", output.Style{}},
	"words_hostile.txt":   {"local.label.a\x1b[2Jb\u202ec: {", output.Style{}},
	"words_variable.txt":  {"rule.matched.gpu", output.Style{}},
	"words_any.txt":       {"Any", output.Style{}},
	"words_cpu_flags.txt": {"cpu.cpuid", output.Style{Width: 200}},
}

func TestWords(t *testing.T) {
	for file, e := range explained {
		var document any = compat.Words()
		if e.word != "" {
			var err error
			if document, err = compat.Explain(e.word); err != nil {
				t.Fatal(err)
			}
		}
		var written bytes.Buffer
		if err := output.Write(&written, output.FormatText, document, e.style); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, filepath.Join("testdata", file), written.Bytes())
	}
}
