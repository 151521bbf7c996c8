package spec

import (
	"strings"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
)

// linuxFlag translates a flag from the spelling of /proc/cpuinfo or of common
// usage, where no edit distance would find it.
func linuxFlag(name string) string {
	switch name {
	case "abm":
		return "LZCNT"
	case "aes":
		return "AESNI (amd64) or AES (arm64)"
	case "fma":
		return "FMA3"
	case "pclmulqdq", "pclmul":
		return "CLMUL"
	case "pni":
		return "SSE3"
	case "sha_ni", "shani":
		return "SHA"
	case "sse4_1", "sse4.1", "sse41":
		return "SSE4"
	}
	return ""
}

// nearestFlag returns what a flag that does not exist was probably meant to be, or "".
func nearestFlag(name string) string {
	if flag := linuxFlag(strings.ToLower(name)); flag != "" {
		return flag
	}
	return verdict.Nearest(name, catalogue.CPUFlags())
}
