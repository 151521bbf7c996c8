package output_test

import (
	"bytes"
	"testing"

	"nodecompat/compat/output"
	"nodecompat/compat/report"
)

// TestItems: a list whose items were kept one by one is written as the whole of it is.
func TestItems(t *testing.T) {
	lists := 0
	for _, s := range scenarios() {
		list, ok := s.document(t).(*report.NodeReportList)
		if !ok {
			continue
		}
		lists++
		for form, written := range forms {
			whole, kept := new(bytes.Buffer), new(bytes.Buffer)
			if err := output.Write(whole, written.format, list, written.style); err != nil || written.format == output.FormatNDJSON {
				continue // not one of its forms
			}
			items := output.NewItems(written.format)
			for _, item := range list.Items {
				if err := items.Add(item); err != nil {
					t.Fatal(err)
				}
			}
			head := *list
			head.Items = nil
			if err := items.Write(kept, &head, written.style); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(whole.Bytes(), kept.Bytes()) {
				t.Errorf("%s as %s is\n%s\nand, kept one by one,\n%s", s.name, form, whole, kept)
			}
		}
	}
	if lists == 0 {
		t.Error("there is no list")
	}
	whole, kept := new(bytes.Buffer), new(bytes.Buffer)
	empty := &report.NodeReportList{Items: []*report.NodeReport{}}
	if err := output.Write(whole, output.FormatJSON, empty, output.Style{}); err != nil {
		t.Fatal(err)
	}
	if err := output.NewItems(output.FormatJSON).Write(kept, empty, output.Style{}); err != nil || kept.String() != whole.String() {
		t.Errorf("an empty list is %s, %v, want %s", kept, err, whole)
	}
}
