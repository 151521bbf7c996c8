package nvidia

import (
	"strings"
	"testing"

	"nodecompat/nodefeatures/verdict"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	const yes, no, unknown = verdict.Compatible, verdict.Incompatible, verdict.Unknown
	const d535, d550, d580 = "535.129.03", "550.54.15", "580.65.06"
	for _, tt := range []struct {
		name    string
		text    string
		node    Node
		verdict verdict.Verdict
		found   string
	}{
		{"2024 on 535, nobody knows the GPU", cuda124, Node{Driver: d535}, unknown, "driver 535.129.03, CUDA 12.2, GPU unknown"},
		{"2024 on 535, a GPU of the list", cuda124, Node{Driver: d535, Product: "NVIDIA-A100-SXM4-40GB"}, yes, "driver 535.129.03, CUDA 12.2, GPU NVIDIA-A100-SXM4-40GB"},
		{"2024 on 535, a GeForce", cuda124, Node{Driver: d535, Product: "NVIDIA-GeForce-RTX-4090"}, yes, ""},
		{"2024 on 545", cuda124, Node{Driver: "545.23.08"}, no, ""},
		{"2024 on 550", cuda124, Node{Driver: d550}, yes, "driver 550.54.15, CUDA 12.4, GPU unknown"},
		{"2024 on 580", cuda124, Node{Driver: d580}, yes, "driver 580.65.06, CUDA 13.0, GPU unknown"},
		{"2025 on 535", cuda130, Node{Driver: d535, Product: "Tesla-T4"}, yes, ""},
		{"2025 on 550", cuda130, Node{Driver: d550, Product: "Tesla-T4"}, yes, ""},
		{"2025 on 560", cuda130, Node{Driver: "560.35.03"}, no, ""},
		{"2025 on 580", cuda130, Node{Driver: d580}, yes, ""},
		{"2026 on 535, nobody knows the GPU", cuda132, Node{Driver: d535}, unknown, ""},
		{"2026 on 535", cuda132, Node{Driver: d535, Product: "NVIDIA-H100-80GB-HBM3"}, yes, ""},
		{"2026 on 535, a GeForce", cuda132, Node{Driver: d535, Product: "NVIDIA-GeForce-RTX-4090"}, no, ""},
		{"2026 on 550, of whatever brand", cuda132, Node{Driver: d550}, no, "driver 550.54.15, CUDA 12.4, GPU unknown"},
		{"2026 on 580, nobody knows the GPU", cuda132, Node{Driver: d580}, unknown, ""},
		{"2026 on 580", cuda132, Node{Driver: d580, Product: "NVIDIA-H100-80GB-HBM3"}, yes, ""},
		{"2026 on 580, a GeForce", cuda132, Node{Driver: d580, Product: "NVIDIA-GeForce-RTX-4090"}, no, ""},
		{"2026 on 595", cuda132, Node{Driver: "595.45.04"}, yes, ""},
		{"nothing is known", cuda132, Node{}, unknown, "driver unknown, CUDA unknown, GPU unknown"},

		{"the node tells CUDA", "cuda>=12.6", Node{Driver: d550, CUDA: "12.6"}, yes, "driver 550.54.15, CUDA 12.6"},
		{"a branch between two: at least", "cuda>=12.2", Node{Driver: "540.4.0"}, yes, "driver 540.4.0, CUDA 12.2 to 12.3"},
		{"a branch between two: at most", "cuda>=12.4", Node{Driver: "540.4.0"}, no, ""},
		{"a branch between two", "cuda>=12.3", Node{Driver: "540.4.0"}, unknown, ""},
		{"a branch between two: less", "cuda<12.2", Node{Driver: "540.4.0"}, no, ""},
		{"a branch between two: not more", "cuda<=12.3", Node{Driver: "540.4.0"}, yes, ""},
		{"a branch between two: equal", "cuda=12.2", Node{Driver: "540.4.0"}, unknown, ""},
		{"a newer branch than is known", "cuda>=13.9", Node{Driver: "700.1"}, unknown, "driver 700.1, CUDA 13.3 or newer"},
		{"a newer branch, an old CUDA", "cuda>=12.4", Node{Driver: "700.1"}, yes, ""},
		{"an older branch than is known", "cuda>=9.1", Node{Driver: "340.108"}, no, "driver 340.108, CUDA 9.0 or older"},
		{"equal CUDA", "cuda=12.4", Node{Driver: d550}, yes, ""},
		{"unequal CUDA", "cuda!=12.4", Node{Driver: d550}, no, ""},

		{"a full version of the driver", "driver>=535.129.04", Node{Driver: d535}, no, "driver 535.129.03"},
		{"zeros do not count", "driver=535.129.3", Node{Driver: d535}, yes, ""},
		{"a missing number is zero", "driver<=550.54.0", Node{Driver: "550.54"}, yes, ""},
		{"more than", "driver>535", Node{Driver: d535}, yes, ""},
		{"arch", "arch>=8.0", Node{Driver: d580, Arch: "7.5"}, no, "driver 580.65.06, compute capability 7.5"},
		{"arch holds", "arch>=7.5,driver>=535", Node{Driver: d580, Arch: "10.0"}, yes, ""},
		{"arch is not known", "arch>=8.0,driver>=535", Node{Driver: d580}, unknown, ""},
		{"one constraint decides", "arch>=8.0,driver>=590", Node{Driver: d580}, no, ""},
		{"brand in capitals", "brand=Tesla", Node{Product: "Tesla-V100"}, unknown, ""},
		{"not that brand", "brand!=GeForce", Node{Product: "Tesla-V100"}, yes, ""},
		{"a brand has no order", "brand>tesla", Node{Product: "NVIDIA-H100"}, unknown, ""},
		{"no version", "driver>=new", Node{Driver: d580}, unknown, ""},
		{"no version at all", "driver>=", Node{Driver: d580}, unknown, ""},
		{"the second alternative", "driver<535 driver>=580", Node{Driver: d580}, yes, ""},
		{"no operator", "driver", Node{Driver: d580}, unknown, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := Read(map[string]string{"NVIDIA_REQUIRE_CUDA": tt.text, VisibleDevices: "all"})
			if len(e.Requirements) != 1 {
				t.Fatalf("%d requirements", len(e.Requirements))
			}
			j := e.Requirements[0].Judge(tt.node)
			if j.Verdict != tt.verdict || tt.found != "" && j.Found != tt.found {
				t.Errorf("%s, found %s; want %s, %s", j.Verdict, j.Found, tt.verdict, tt.found)
			}
			if (j.Verdict == yes) != (j.Message == "") || (j.Message == "") != (j.Hint == "") {
				t.Errorf("message %q, hint %q", j.Message, j.Hint)
			}
		})
	}
}

// TestJudgeWords checks what a person is told.
func TestJudgeWords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text          string
		node          Node
		message, hint string
	}{
		{
			cuda132,
			Node{Driver: "550.54.15"},
			"NVIDIA_REQUIRE_CUDA wants cuda>=13.2, or one of 48 other combinations, and the node has driver 550.54.15, CUDA 12.4, GPU unknown",
			"CUDA 13.2 needs a driver of branch 595 or newer: install one, or use an image for an older CUDA",
		},
		{
			"cuda>=99",
			Node{Driver: "550.54.15", CUDA: "12.4"},
			"NVIDIA_REQUIRE_CUDA wants cuda>=99, and the node has driver 550.54.15, CUDA 12.4",
			"install a driver that supports CUDA 99, or use an image for an older CUDA",
		},
		{
			"driver>=600 driver<500",
			Node{Driver: "550.54.15"},
			"NVIDIA_REQUIRE_CUDA wants driver>=600, or one other combination, and the node has driver 550.54.15",
			"use a node with the driver and the GPU that the image wants",
		},
	} {
		j := Read(map[string]string{"NVIDIA_REQUIRE_CUDA": tt.text}).Requirements[0].Judge(tt.node)
		if j.Message != tt.message || j.Hint != tt.hint {
			t.Errorf("%.20s:\n%s\n%s", tt.text, j.Message, j.Hint)
		}
	}
}

// TestBounds checks that no image makes more of it than it may.
func TestBounds(t *testing.T) {
	t.Parallel()
	env := map[string]string{"NVIDIA_REQUIRE_CUDA": strings.Repeat("cuda>=1 ", MaxText)}
	for i := range 2 * MaxVariables {
		env["NVIDIA_REQUIRE_X"+strings.Repeat("X", i)] = "cuda>=1"
	}
	e := Read(env)
	if len(e.Requirements) != MaxVariables || e.Requirements[0].Malformed == "" || len(e.Requirements[0].Value) > MaxText || len(e.Ignored) != 2 {
		t.Errorf("%d requirements, ignored %q", len(e.Requirements), e.Ignored)
	}
}

// TestTable checks that the branches and what they support go up.
func TestTable(t *testing.T) {
	t.Parallel()
	for i, b := range branches[1:] {
		if order, ok := compareVersions(branches[i].cuda, b.cuda); !ok || order >= 0 || branches[i].branch >= b.branch {
			t.Errorf("%v does not come before %v", branches[i], b)
		}
	}
}

func FuzzJudge(f *testing.F) {
	for _, text := range []string{cuda124, cuda132, "driver>=", "arch>=8.0,brand!=x cuda<1", "x", "=", "cuda=+1"} {
		f.Add(text, "535.129.03", "12.2", "8.0", "Tesla-T4")
	}
	f.Fuzz(func(t *testing.T, text, driver, cuda, arch, product string) {
		for _, r := range Read(map[string]string{"NVIDIA_REQUIRE_CUDA": text, "CUDA_VERSION": cuda}).Requirements {
			j := r.Judge(Node{Driver: driver, CUDA: cuda, Arch: arch, Product: product})
			switch j.Verdict {
			case verdict.Compatible, verdict.Incompatible, verdict.Unknown:
			default:
				t.Errorf("verdict %q", j.Verdict)
			}
			// What is not known never decides against what is.
			if all := r.Judge(Node{}); all.Verdict != verdict.Unknown && all.Verdict != j.Verdict && product == "" {
				t.Errorf("nothing known: %s; all known: %s", all.Verdict, j.Verdict)
			}
		}
	})
}
