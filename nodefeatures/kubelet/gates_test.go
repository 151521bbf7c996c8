package kubelet

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseGates(t *testing.T) {
	tests := []struct {
		in   string
		want map[string]bool // nil: refused
	}{
		{"", map[string]bool{}},
		{"A=true,B=false", map[string]bool{"A": true, "B": false}},
		{",A=true,,", map[string]bool{"A": true}},
		{" A = true , B= 0", map[string]bool{"A": true, "B": false}},
		{"A=1,B=t,C=T,D=TRUE,E=True", map[string]bool{"A": true, "B": true, "C": true, "D": true, "E": true}},
		{"A=0,B=f,C=F,D=FALSE,E=False", map[string]bool{"A": false, "B": false, "C": false, "D": false, "E": false}},
		{"A=true,A=false", map[string]bool{"A": false}},
		{"A", nil},
		{"A=", nil},
		{"A=yes", nil},
		{"=true", nil},
		{"A=true=true", nil},
		{"A=true B=false", nil},
		{" ", nil},
	}
	for _, tt := range tests {
		got, err := ParseGates(tt.in)
		if diff := cmp.Diff(tt.want, got); diff != "" || (err == nil) != (tt.want != nil) {
			t.Errorf("%q: %v\n%s", tt.in, err, diff)
		}
	}
}

func TestMerge(t *testing.T) {
	yes, no := true, false
	file := Origin{Source: SourceConfigFile, Path: "/config"}
	drop := Origin{Source: SourceConfigDir, Path: "/d/10.conf"}
	flag := Origin{Source: SourceProcessFlags, PID: 7}
	gates, disagreements := merge([]layer{
		{origin: file, set: map[string]*bool{"A": &yes, "B": &yes, "C": &no, "E": &yes}},
		{origin: drop, set: map[string]*bool{"B": nil, "C": &no, "D": nil}},
		{origin: flag, set: map[string]*bool{"A": &no, "B": &no}},
	})
	want := []Gate{
		{Name: "A", Value: false, Origin: flag},
		{Name: "B", Value: false, Origin: flag}, // the file's was deleted: no disagreement
		{Name: "C", Value: false, Origin: drop},
		{Name: "E", Value: true, Origin: file},
	}
	if diff := cmp.Diff(want, gates); diff != "" {
		t.Error(diff)
	}
	wantDisagreements := []Disagreement{{
		Fact:    "A",
		Message: "A: the command line of process 7 says false, /config says true; the former is used",
		Claims:  []Claim{{Value: "false", Origin: flag}, {Value: "true", Origin: file}},
	}}
	if diff := cmp.Diff(wantDisagreements, disagreements); diff != "" {
		t.Error(diff)
	}
}

func FuzzParseGates(f *testing.F) {
	f.Add("A=true,B=false")
	f.Add(" A = 1,,=")
	f.Fuzz(func(t *testing.T, s string) {
		gates, err := ParseGates(s)
		if err != nil {
			return
		}
		for name := range gates {
			if name == "" || strings.ContainsAny(name, ",=") || strings.TrimSpace(name) != name {
				t.Errorf("%q: gate %q", s, name)
			}
		}
	})
}
