package nvidia

import (
	"fmt"
	"strings"
)

// terms writes what CUDA's base images list behind cuda>=: each brand with each branch of the driver.
func terms(brands string, branches ...int) string {
	var list []string
	for _, branch := range branches {
		for brand := range strings.FieldsSeq(brands) {
			list = append(list, fmt.Sprintf("brand=%s,driver>=%d,driver<%d", brand, branch, branch+1))
		}
	}
	return strings.Join(list, " ")
}

const (
	brands2024 = "tesla unknown nvidia nvidiartx geforce geforcertx quadro quadrortx titan titanrtx"
	brands2026 = "unknown grid tesla nvidia quadro quadrortx nvidiartx vapps vpc vcs vws cloudgaming"
)

// The texts of NVIDIA_REQUIRE_CUDA in nvidia/cuda:12.4.1-base-ubuntu22.04, :13.0.2-base-ubuntu22.04
// and :13.2.0-base-ubuntu24.04.
var (
	cuda124 = "cuda>=12.4 " + terms(brands2024, 470, 525, 535)
	cuda130 = "cuda>=13.0 " + terms(brands2026, 535, 550, 565, 570, 575)
	cuda132 = "cuda>=13.2 " + terms(brands2026, 535, 570, 580, 590)
)
