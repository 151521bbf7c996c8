package nvidia

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRead(t *testing.T) {
	t.Parallel()
	const cuda = "cuda>=12.8 brand=tesla,driver>=535,driver<536"
	const words = "NVIDIA_REQUIRE_CUDA: cuda >= 12.8; or brand = tesla and driver >= 535 and driver < 536"
	for _, tt := range []struct {
		name         string
		env          string
		devices      string
		requirements []string
		ignored      int
	}{
		{"nothing", "", "", nil, 0},
		{"a CUDA image", "NVIDIA_REQUIRE_CUDA=" + cuda + "|NVIDIA_VISIBLE_DEVICES=all|CUDA_VERSION=12.8.0", "all", []string{words}, 0},
		{"void", "NVIDIA_REQUIRE_CUDA=" + cuda + "|NVIDIA_VISIBLE_DEVICES=void", "", []string{words}, 0},
		{"none", "NVIDIA_VISIBLE_DEVICES=none", "", nil, 0},
		{"a list", "NVIDIA_VISIBLE_DEVICES=0,1", "0,1", nil, 0},
		{"disabled", "NVIDIA_REQUIRE_CUDA=" + cuda + "|NVIDIA_VISIBLE_DEVICES=all|NVIDIA_DISABLE_REQUIRE=true", "all", nil, 0},
		{"not disabled", "NVIDIA_REQUIRE_CUDA=cuda>=11.0|NVIDIA_DISABLE_REQUIRE=no", "", []string{"NVIDIA_REQUIRE_CUDA: cuda >= 11.0"}, 0},
		{"legacy", "CUDA_VERSION=10.2.89", "all", []string{"CUDA_VERSION: cuda >= 10.2"}, 0},
		{"legacy without a GPU", "CUDA_VERSION=10.2.89|NVIDIA_VISIBLE_DEVICES=void", "", []string{"CUDA_VERSION: cuda >= 10.2"}, 0},
		{"all variables", "NVIDIA_REQUIRE_B=driver!=1|NVIDIA_REQUIRE_A=driver<=2", "", []string{"NVIDIA_REQUIRE_A: driver <= 2", "NVIDIA_REQUIRE_B: driver != 1"}, 0},
		{"Jetpack", "NVIDIA_REQUIRE_JETPACK=csv-mounts=all|NVIDIA_REQUIRE_JETPACK_HOST_MOUNTS=x", "", nil, 0},
		{"an unknown property is skipped", "NVIDIA_REQUIRE_X=driver>1,color=red", "", []string{"NVIDIA_REQUIRE_X: driver > 1"}, 1},
		{"a term of unknown ones is dropped", "NVIDIA_REQUIRE_X=color=red driver>1", "", []string{"NVIDIA_REQUIRE_X: driver > 1"}, 1},
		{"only unknown ones", "NVIDIA_REQUIRE_X=color=red", "", nil, 1},
		{"no operator", "NVIDIA_REQUIRE_X=driver>1 cuda", "", nil, 1},
		{"empty", "NVIDIA_REQUIRE_CUDA=", "", nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{}
			for variable := range strings.SplitSeq(tt.env, "|") {
				name, value, _ := strings.Cut(variable, "=")
				env[name] = value
			}
			n := Read(env)
			var got []string
			for _, r := range n.Requirements {
				if r.Malformed != "" {
					continue
				}
				got = append(got, r.Variable+": "+r.Words())
			}
			if n.Devices != tt.devices || len(n.Ignored) != tt.ignored {
				t.Errorf("devices %q, %d ignored: %q; want %q, %d", n.Devices, len(n.Ignored), n.Ignored, tt.devices, tt.ignored)
			}
			if diff := cmp.Diff(tt.requirements, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
