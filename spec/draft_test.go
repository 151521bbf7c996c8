package spec

import "testing"

// TestDraft: nothing that is written can be anything else than what it was.
func TestDraft(t *testing.T) {
	t.Parallel()
	var d Draft
	d.Comment("  ", "  a comment\n- of two lines, which is much longer than a hundred characters and so goes on in the next of its own")
	for _, element := range []string{"AVX2", "sgx.enabled", "iommu_group/type", "64BIT", "y", "Off", "a b", "a:", ""} {
		d.Expression("", element, "In", []string{"y\n", "é"}, "")
	}
	d.Expression("  ", "full", "Ge", []string{"5.10"}, "version")
	d.Expression("", "AVX2", "Exists", nil, "")
	const want = `  #   a comment�- of two lines, which is much longer than a hundred characters and so goes on in
  #     the next of its own
AVX2: {op: In, value: ["y\n", "\u00e9"]}
sgx.enabled: {op: In, value: ["y\n", "\u00e9"]}
iommu_group/type: {op: In, value: ["y\n", "\u00e9"]}
"64BIT": {op: In, value: ["y\n", "\u00e9"]}
"y": {op: In, value: ["y\n", "\u00e9"]}
"Off": {op: In, value: ["y\n", "\u00e9"]}
"a b": {op: In, value: ["y\n", "\u00e9"]}
"a:": {op: In, value: ["y\n", "\u00e9"]}
"": {op: In, value: ["y\n", "\u00e9"]}
  full: {op: Ge, type: version, value: ["5.10"]}
AVX2: {op: Exists}
`
	if got := d.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
