package derive

import "strings"

// loaderTexts are what the dynamic loaders say of a CPU that is too old for them: there the text is
// the level. What glibc says on amd64 names none, and is in every loader.
//
// glibc 2.41: sysdeps/powerpc/powerpc64/le/dl-hwcap-check.h, sysdeps/s390/s390-64/dl-hwcap-check.h
var loaderTexts = map[string]string{
	"CPU lacks ISA 3.10 support":  "ARCH_3_1",
	"CPU lacks ISA 3.00 support":  "ARCH_3_00",
	"CPU lacks VXRS_EXT2 support": "VXE2",
}

// textsOf are the texts to look for in a file.
func textsOf(base string) []string {
	if !strings.HasPrefix(base, "ld") {
		return nil
	}
	list := make([]string, 0, len(loaderTexts))
	for text := range loaderTexts {
		list = append(list, text)
	}
	return list
}
