package output_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"nodecompat/compat/output"
	"nodecompat/compat/report"
)

// TestHidden: JSON and YAML say what the document says, and hide nothing of it.
func TestHidden(t *testing.T) {
	r := report.NewNodeReport(now, nil)
	r.Node.Name = "a\u202eb\u200bc\u2066\u007f\u009b\ufeff\u00a0\U000e0041é漢😀\u2028 \" \\ \t"
	r.Node.Kernel = strings.Repeat("long \u200f word ", 40)
	for _, format := range []output.Format{output.FormatJSON, output.FormatNDJSON, output.FormatYAML} {
		var out bytes.Buffer
		if err := output.Write(&out, format, r, output.Style{}); err != nil {
			t.Fatal(err)
		}
		if i := strings.IndexFunc(out.String(), func(c rune) bool { return c != '\n' && !unicode.IsPrint(c) }); i >= 0 {
			t.Errorf("%s hides %q", format, out.String()[i:i+4])
		}
		data := out.Bytes()
		if format == output.FormatYAML {
			var err error
			if data, err = yaml.YAMLToJSON(data); err != nil {
				t.Fatalf("%v\n%s", err, &out)
			}
		}
		var again report.NodeReport
		if err := json.Unmarshal(data, &again); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r.Node, again.Node); diff != "" {
			t.Errorf("%s (-want +got):\n%s", format, diff)
		}
	}
}
