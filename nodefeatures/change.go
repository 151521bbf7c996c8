package nodefeatures

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"nodecompat/nodefeatures/catalogue"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
)

// Set returns a copy of the snapshot in which an element of a feature has
// another value, kernel.config.KVM=y. A flag takes "true" or nothing. Of a
// feature about which nothing was known only this element is known then. The
// parts of kernel.version follow its full, as in NFD; nothing else follows
// anything. The change is noted in Changes.
func (s *Snapshot) Set(path, value string) (*Snapshot, error) {
	name, element, err := s.splitPath(path)
	if err == nil && element == "" {
		err = errors.New("want FEATURE.ELEMENT, kernel.version.full")
	}
	if err != nil {
		return nil, fmt.Errorf("setting %s: %w", path, err)
	}
	kind := s.kindOf(name, element, value)
	if kind == instanceSet {
		return nil, fmt.Errorf("setting %s: %s lists devices; add one", path, name)
	}
	if kind == flagSet && value != "" && value != "true" {
		return nil, fmt.Errorf("setting %s: it is a flag, which has no value; set it to true, or unset it", path)
	}
	c := s.clone()
	c.assume(name, kind)
	if kind == flagSet {
		c.Features.Flags[name].Elements[element] = nfdv1alpha1.Nil{}
	} else {
		c.Features.Attributes[name].Elements[element] = value
	}
	c.changed("set %s.%s=%s", name, element, value)
	if name == catalogue.KernelVersion && element == "full" {
		c.followVersion(value)
	}
	return c, nil
}

// Unset returns a copy of the snapshot in which an element of a feature, or all
// elements or devices of one, are known not to be there.
func (s *Snapshot) Unset(path string) (*Snapshot, error) {
	name, element, err := s.splitPath(path)
	if err != nil {
		return nil, fmt.Errorf("unsetting %s: %w", path, err)
	}
	c := s.clone()
	if element == "" {
		c.empty(name)
		c.changed("unset %s", name)
		return c, nil
	}
	kind := s.kindOf(name, element, "")
	if kind == instanceSet {
		return nil, fmt.Errorf("unsetting %s: %s lists devices, of which only all can be unset", path, name)
	}
	c.assume(name, kind)
	if set, ok := c.Features.Flags[name]; ok {
		set.Elements = maps.Clone(set.Elements)
		delete(set.Elements, element)
		c.Features.Flags[name] = set
	}
	if set, ok := c.Features.Attributes[name]; ok {
		set.Elements = maps.Clone(set.Elements)
		delete(set.Elements, element)
		c.Features.Attributes[name] = set
	}
	if u := c.unreadable(name); u != nil && !slices.Contains(u.Except, element) {
		u.Except = append(slices.Clone(u.Except), element)
		slices.Sort(u.Except)
	}
	c.changed("unset %s.%s", name, element)
	return c, nil
}

// AddDevice returns a copy of the snapshot with one more device, described as
// FEATURE:ATTRIBUTE=VALUE,…, pci.device:vendor=10de,class=0302. It has no other
// attributes, and no address.
func (s *Snapshot) AddDevice(description string) (*Snapshot, error) {
	name, attributes, err := ParseDevice(description)
	if err == nil {
		err = s.knows(name)
	}
	if err != nil {
		return nil, fmt.Errorf("adding device %s: %w", description, err)
	}
	if kind := s.kindOf(name, "", ""); kind != instanceSet {
		return nil, fmt.Errorf("adding device %s: %s lists no devices", description, name)
	}
	c := s.clone()
	c.assume(name, instanceSet)
	set := c.Features.Instances[name]
	set.Elements = append(slices.Clip(set.Elements), *nfdv1alpha1.NewInstanceFeature(attributes))
	c.Features.Instances[name] = set
	if addresses, ok := c.Addresses[name]; ok {
		c.Addresses[name] = append(slices.Clip(addresses), "")
	}
	pairs := make([]string, 0, len(attributes))
	for _, attribute := range slices.Sorted(maps.Keys(attributes)) {
		pairs = append(pairs, attribute+"="+attributes[attribute])
	}
	c.changed("add-device %s:%s", name, strings.Join(pairs, ","))
	return c, nil
}

// ParseDevice reads what AddDevice takes.
func ParseDevice(description string) (feature string, attributes map[string]string, err error) {
	name, list, ok := strings.Cut(description, ":")
	attributes = map[string]string{}
	for pair := range strings.SplitSeq(list, ",") {
		attribute, value, isPair := strings.Cut(pair, "=")
		if _, twice := attributes[attribute]; twice || attribute == "" || !isPair {
			ok = false
		}
		attributes[attribute] = value
	}
	if !ok || strings.Count(name, ".") == 0 {
		return "", nil, errors.New("want FEATURE:ATTRIBUTE=VALUE,…, pci.device:vendor=10de,class=0302")
	}
	return strings.ToLower(name), attributes, nil
}

func (s *Snapshot) changed(format string, arguments ...any) {
	s.Changes = append(slices.Clip(s.Changes), fmt.Sprintf(format, arguments...))
}

// splitPath tells the feature in a path from its element; both may have dots.
func (s *Snapshot) splitPath(path string) (feature, element string, err error) {
	if !utf8.ValidString(path) {
		return "", "", errors.New("it is not UTF-8")
	}
	for _, name := range s.facts().names() {
		rest, ok := cutPrefixFold(path, name)
		if ok && len(name) > len(feature) && (rest == "" || rest[0] == '.') {
			feature, element = name, strings.TrimPrefix(rest, ".")
		}
	}
	if feature == "" {
		parts := strings.SplitN(strings.ToLower(path), ".", 3)
		return "", "", s.knows(strings.Join(parts[:min(len(parts), 2)], "."))
	}
	return feature, element, nil
}

func cutPrefixFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return s[len(prefix):], true
}

// followVersion sets what NFD takes apart of the kernel's version.
// https://github.com/kubernetes-sigs/node-feature-discovery/blob/v0.19.0/source/kernel/version.go
func (s *Snapshot) followVersion(full string) {
	s.Node.Kernel = full
	numbers, _, _ := strings.Cut(full, "-")
	parts := strings.Split(numbers, ".")
	valid := len(parts) <= versionParts && !slices.ContainsFunc(parts, func(part string) bool {
		return part == "" || leadingDigits(part) != part
	})
	elements := s.Features.Attributes[catalogue.KernelVersion].Elements
	for i, name := range []string{"major", "minor", "revision"} {
		switch _, has := elements[name]; {
		case valid && i < len(parts):
			elements[name] = parts[i]
			s.changed("set %s.%s=%s", catalogue.KernelVersion, name, parts[i])
		case has:
			delete(elements, name)
			s.changed("unset %s.%s", catalogue.KernelVersion, name)
		}
	}
}
