package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"
)

// bill writes the bill of materials of a build: the modules that the program itself names. It has
// neither a time nor a serial number, which would be others in every run.
func (r *release) bill(b build) error {
	sum, err := digest(b.binary)
	if err != nil {
		return err
	}
	program := component(&debug.Module{Path: b.info.Main.Path, Version: r.version})
	program.Type = cyclonedx.ComponentTypeApplication
	program.Hashes = &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: sum}}
	program.ExternalReferences = &[]cyclonedx.ExternalReference{{Type: cyclonedx.ERTypeWebsite, URL: r.owner.Home}}
	if r.owner.Security != "" {
		*program.ExternalReferences = append(*program.ExternalReferences, cyclonedx.ExternalReference{Type: cyclonedx.ERTypeSecurityContact, URL: r.owner.Security})
	}
	if r.owner.Licence != "" {
		program.Licenses = &cyclonedx.Licenses{{Expression: r.owner.Licence}}
	}
	parts := []cyclonedx.Component{component(&debug.Module{Path: "std", Version: b.info.GoVersion})}
	for _, module := range b.info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		parts = append(parts, component(module))
	}
	refs := make([]string, len(parts))
	for i, part := range parts {
		refs[i] = part.BOMRef
	}
	bom := cyclonedx.NewBOM()
	bom.Metadata = &cyclonedx.Metadata{Component: &program}
	bom.Components = &parts
	bom.Dependencies = &[]cyclonedx.Dependency{{Ref: program.BOMRef, Dependencies: &refs}}
	out, err := os.Create(filepath.Join(r.output, r.name(b)+".cdx.json"))
	if err != nil {
		return err
	}
	defer out.Close()
	return cyclonedx.NewBOMEncoder(out, cyclonedx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, cyclonedx.SpecVersion1_6)
}

// component is a module. Its hash is that of go.sum, which is of the names and contents of its files
// (https://go.dev/ref/mod#go-sum-files).
func component(m *debug.Module) cyclonedx.Component {
	purl := fmt.Sprintf("pkg:golang/%s@%s", m.Path, strings.ReplaceAll(m.Version, "+", "%2B"))
	c := cyclonedx.Component{BOMRef: purl, Type: cyclonedx.ComponentTypeLibrary, Name: m.Path, Version: m.Version, PackageURL: purl}
	if sum, ok := strings.CutPrefix(m.Sum, "h1:"); ok {
		if raw, err := base64.StdEncoding.DecodeString(sum); err == nil {
			c.Hashes = &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: fmt.Sprintf("%x", raw)}}
		}
	}
	return c
}
