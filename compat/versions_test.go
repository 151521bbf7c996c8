package compat_test

import (
	"testing"

	"nodecompat/compat"
)

func TestVersions(t *testing.T) {
	for _, test := range []struct {
		told       compat.Versions
		kubernetes string
		others     bool
		want       compat.Versions
	}{
		{compat.Versions{Kubelet: "v1.33.1"}, "", false, compat.Versions{Kubelet: "v1.33.1"}},
		{compat.Versions{}, "1.34", false, compat.Versions{Kubelet: "v1.34.0", API: "v1.34.0"}},
		{compat.Versions{}, "v1.34.2-gke.100", false, compat.Versions{Kubelet: "v1.34.2-gke.100", API: "v1.34.2-gke.100"}},
		{compat.Versions{Kubelet: "v1.33.1"}, "1.34", false, compat.Versions{Kubelet: "v1.33.1", API: "v1.34.0"}},
		{compat.Versions{API: "v1.35.0"}, "1.34", false, compat.Versions{Kubelet: "v1.34.0", API: "v1.35.0"}},
		{compat.Versions{}, "1.34", true, compat.Versions{API: "v1.34.0"}},
	} {
		got, err := test.told.For(test.kubernetes, test.others)
		if err != nil || got != test.want {
			t.Errorf("%+v for %q, others %t: %+v, %v, want %+v", test.told, test.kubernetes, test.others, got, err, test.want)
		}
	}
	if got, err := (compat.Versions{}).For("soon", false); err == nil {
		t.Errorf("soon is %+v", got)
	}
}

func TestPullSecret(t *testing.T) {
	const config = `{"auths":{}}`
	for _, test := range []struct{ data, want string }{
		{config, config},
		{"kind: Secret\ndata:\n  .dockerconfigjson: eyJhdXRocyI6e319\n", config},
		{"kind: Secret\ndata:\n  .dockerconfigjson: bm8=\n", ""},
		{"kind: Secret\ndata: {}\n", ""},
		{"kind: ConfigMap\ndata: {}\n", ""},
		{"", ""},
	} {
		got, err := compat.PullSecret([]byte(test.data))
		if string(got) != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%q holds %q, %v, want %q", test.data, got, err, test.want)
		}
	}
}
