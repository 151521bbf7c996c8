package trust

import "testing"

func TestMatches(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"**", "registry.example/team/app", true},
		{"**", "", true},
		{"*/**", "", false},
		{"registry.example/team/app", "registry.example/team/app", true},
		{"registry.example/team/app", "registry.example/team/app2", false},
		{"registry.example/team/app", "registry.example/team/ap", false},
		{"registry.example/team/*", "registry.example/team/app", true},
		{"registry.example/team/*", "registry.example/team/app/sub", false},
		{"registry.example/team/*", "registry.example/team", false},
		{"registry.example/team/**", "registry.example/team/app/sub", true},
		{"registry.example/team/**", "registry.example/team2/app", false},
		{"registry.example/**", "registry.example.evil/team/app", false},
		{"*/team/app", "registry.example:5000/team/app", true},
		{"registry.example/*/app", "registry.example/team/app", true},
		{"registry.example/*/app", "registry.example/a/b/app", false},
		{"registry.example/**/app", "registry.example/a/b/app", true},
		{"registry.example/**/app", "registry.example/app", false},
		{"registry.example/t*m/app", "registry.example/team/app", true},
		{"registry.example/t*m/app", "registry.example/tm/app", true},
		{"*.example/**", "registry.example/app", true},
		{"*.example/**", "a/registry.example/app", false},
	} {
		if got := matches(test.pattern, test.name); got != test.want {
			t.Errorf("%q matches %q: %v", test.pattern, test.name, got)
		}
	}
}

func TestOverlap(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"r.io/a", "r.io/a", true},
		{"r.io/a", "r.io/b", false},
		{"r.io/*a", "r.io/b*", true},
		{"r.io/a*b", "r.io/b*a", false},
		{"r.io/*", "r.io/**", true},
		{"r.io/a/*", "r.io/*/a", true},
		{"r.io/*", "r.io/a/*", false},
		{"r.io/**/x", "r.io/y/**", true},
		{"r.io/*x", "r.io/*y", false},
	} {
		if got := overlap(test.a, test.b); got != test.want || overlap(test.b, test.a) != test.want {
			t.Errorf("%q and %q overlap: %v", test.a, test.b, got)
		}
	}
}

// TestSpecificity has patterns from the most specific to the least.
func TestSpecificity(t *testing.T) {
	list := []string{"r.io/team/app", "r.io/team/a*", "r.io/team/*", "r.io/team/**", "r.io/**", "*/**", "**"}
	for i := range list {
		for j := range list {
			got := specificityOf(list[i]).compare(specificityOf(list[j]))
			if want := j - i; got > 0 != (want > 0) || got == 0 != (want == 0) {
				t.Errorf("%q against %q: %d", list[i], list[j], got)
			}
		}
	}
}

func TestCheckPattern(t *testing.T) {
	for pattern, good := range map[string]bool{
		"**": true, "registry.example/**": true, "localhost:5000/app": true, "*.example/team/*": true, "docker.io/library/nginx": true,
		"docker.io/*/app": true, "[::1]:5000/app": true, "127.0.0.1:5000/app": true, "**/app": true, "*/app": true, "localhost/app": true,
		"nginx": false, "team/app": false, "registry.example": false, "registry.example/app:1.0": false, "registry.example/app@sha256:ab": false,
		"registry.example//app": false, "/app": false, "registry.example/": false, "registry.example/App": false, "docker.io/nginx": false,
		"registry.example:443/app": false, "registry.example./app": false, "*.example.:5000/app": false, "[::1]:443/app": false, "[::1]/app": true,
		"index.docker.io/library/nginx": false, "registry.example/a b": false, "registry.example/a?": false,
	} {
		if reason, _ := checkPattern(pattern); (reason == "") != good {
			t.Errorf("%q: %q", pattern, reason)
		}
	}
}
