package nvidia

import "strings"

// brands are those that the toolkit knows.
//
// https://github.com/NVIDIA/libnvidia-container src/driver.c, driver_get_device_brand
var brands = []string{
	"unknown", "quadro", "tesla", "nvs", "grid", "geforce", "titan", "vapps", "vpc", "vcs", "vws", "cloudgaming",
	"quadrortx", "nvidiartx", "nvidia", "geforcertx", "titanrtx",
}

// productBrands are the brands that a GPU may be of, by a part of its name; the first part that
// is found counts. The same GPU is of another brand with another driver: an A100 was a Tesla once.
var productBrands = []struct {
	part   string
	brands []string
}{
	{"geforce", []string{"geforce", "geforcertx"}},
	{"quadro", []string{"quadro", "quadrortx", "nvidiartx"}},
	{"titan", []string{"titan", "titanrtx"}},
	{"tesla", []string{"tesla", "nvidia"}},
	{"a100", []string{"tesla", "nvidia"}},
	{"h100", []string{"tesla", "nvidia"}},
	{"h200", []string{"tesla", "nvidia"}},
	{"b200", []string{"tesla", "nvidia"}},
}

// brandsOf are the brands that a GPU with the name may be of; all of them if nothing is known.
func brandsOf(product string) []string {
	product = strings.ToLower(product)
	for _, p := range productBrands {
		if strings.Contains(product, p.part) {
			return p.brands
		}
	}
	return brands
}
