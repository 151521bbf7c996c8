package generate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/spec"
)

// attributesOf are the node's attributes.
func attributesOf(feature string) func(*kind) map[string]string {
	return func(k *kind) map[string]string { return k.Features.Attributes[feature].Elements }
}

// attributes makes candidates of the attributes that all nodes have, and of those that only refused
// nodes have. Options of the kernel are too many: only those that were named count.
func (g *gatherer) attributes(w wanted) {
	feature := w.feature.Name
	have := intersection(g.nodes, attributesOf(feature))
	for _, element := range w.elements {
		_, hasValue := w.feature.Element(element)
		switch {
		case w.feature.Kind.Has(catalogue.Flag) && !hasValue: // it is a flag
		case slices.Contains(have, element):
			g.attribute(named, w.feature, element)
		default:
			g.notOnAll(feature, element)
		}
	}
	have = slices.DeleteFunc(have, func(element string) bool { return isNever(feature, element) })
	switch {
	case !w.whole:
		return
	case feature == catalogue.KernelConfig:
		g.note("kernel.config: name the options that the image needs, as in --feature kernel.config.XFS_FS")
		return
	case feature == catalogue.OSRelease:
		g.system(w.feature, have)
	default:
		t := common
		if w.feature.Open && len(have) > maxListed {
			t = finer
			g.note("%s: %s %d in common: name those that the image needs, as in --feature %s.%s", feature, g.have(), len(have), feature, have[0])
		}
		for _, element := range have {
			g.attribute(t, w.feature, element)
		}
	}
	g.absentAttributes(feature)
}

func (g *gatherer) absentAttributes(feature string) {
	names := func(k *kind) map[string]bool {
		set := map[string]bool{}
		for name := range attributesOf(feature)(k) {
			set[name] = true
		}
		return set
	}
	for _, element := range g.absentEverywhere(feature, memo(names)) {
		g.add(absence, feature, catalogue.Attribute, "none of the nodes has it: this also refuses nodes that have it and would do",
			Expression{Element: element, Op: "DoesNotExist"})
	}
}

// attribute makes candidates of one attribute: that it is true, the least of numbers, what it is on
// all nodes, or one of few values.
func (g *gatherer) attribute(t tier, f *catalogue.Feature, element string) {
	values := g.values(f.Name, element)
	distinct := slices.Compact(slices.Sorted(maps.Values(values)))
	known, _ := f.Element(element)
	add := func(t tier, op, why string, value ...string) {
		g.add(t, f.Name, catalogue.Attribute, byName(t)+why, Expression{Element: element, Op: op, Value: value})
	}
	switch {
	case known.Value == catalogue.Integer:
		g.numbers(t, f, element, values)
	case len(distinct) == 1 && distinct[0] == "true" && f.Name != catalogue.KernelConfig:
		add(t, "IsTrue", "true "+g.on())
	case len(distinct) == 1 && distinct[0] == "false" && f.Name != catalogue.KernelConfig:
		add(t, "IsFalse", "false "+g.on())
	case len(distinct) == 1:
		add(t, "In", g.same(), distinct[0])
	case len(distinct) <= maxValues:
		if t == common {
			t = finer
		}
		add(t, "In", "the nodes differ: each has one of these", distinct...)
	}
}

// byName begins the reason of what was asked for by name.
func byName(t tier) string {
	if t == named {
		return "asked for by name: "
	}
	return ""
}

// values are those of an attribute that all nodes have.
func (g *gatherer) values(feature, element string) map[*kind]string {
	values := map[*kind]string{}
	for _, k := range g.nodes {
		values[k] = attributesOf(feature)(k)[element]
	}
	return values
}

// numbers makes candidates of the least and the greatest of numbers. That there is one, of what there
// is always one, is none.
func (g *gatherer) numbers(t tier, f *catalogue.Feature, element string, values map[*kind]string) {
	var least, most *kind
	number := func(k *kind) int { n, _ := strconv.Atoi(values[k]); return n } //nolint:errcheck // it was looked at
	for _, k := range g.nodes {
		if _, err := strconv.Atoi(values[k]); err != nil {
			return
		}
		if least == nil || number(k) < number(least) {
			least = k
		}
		if most == nil || number(k) > number(most) {
			most = k
		}
	}
	if t != named && number(least) <= 1 && slices.Contains([]string{"socket_count", "node_count"}, element) {
		t = finer
	}
	add := func(t tier, op, which string, k *kind) {
		g.add(t, f.Name, catalogue.Attribute, fmt.Sprintf("%s%s has %d", byName(t), g.extreme(which, k), number(k)),
			Expression{Element: element, Op: op, Value: []string{strconv.Itoa(number(k))}})
	}
	add(t, "Ge", "least", least)
	add(upper, "Le", "greatest", most)
}

// system makes candidates of what operating system it is, and from which version on. What else
// os-release has says the same in other words.
func (g *gatherer) system(f *catalogue.Feature, have []string) {
	same := func(element string) bool {
		return slices.Contains(have, element) && len(slices.Compact(slices.Sorted(maps.Values(g.values(f.Name, element))))) == 1
	}
	for _, element := range have {
		switch {
		case element == "VERSION_ID" && same("ID"):
			g.systemVersion(f)
		case element == "ID", element == "VARIANT_ID", element == "ID_LIKE" && !same("ID"):
			g.attribute(common, f, element)
		case element == "VERSION_ID.major", element == "VERSION_ID.minor": // it is in VERSION_ID
		default:
			g.attribute(finer, f, element)
		}
	}
}

// systemVersion makes candidates of the version of an operating system: the least, where they can be
// compared, or else which it is.
func (g *gatherer) systemVersion(f *catalogue.Feature) {
	const element = "VERSION_ID"
	values := g.values(f.Name, element)
	oldest := slices.MinFunc(g.nodes, func(a, b *kind) int {
		return cmp.Or(compareVersions(values[a], values[b]), strings.Compare(values[a], values[b]))
	})
	why := fmt.Sprintf("%s has %s", g.extreme("oldest", oldest), values[oldest])
	g.add(common, f.Name, catalogue.Attribute, why, Expression{Element: element, Op: "Ge", Type: "version", Value: []string{values[oldest]}}).instead = element
	before := len(g.candidates)
	g.attribute(common, f, element)
	for i := range g.candidates[before:] {
		g.candidates[before+i].instead = element
	}
}

// compareVersions compares versions such as 22.04 by their numbers, part by part.
func compareVersions(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(x, y string) int {
		m, _ := strconv.Atoi(x) //nolint:errcheck // what is no number is compared as text
		n, _ := strconv.Atoi(y) //nolint:errcheck // as above
		return cmp.Or(cmp.Compare(m, n), strings.Compare(x, y))
	})
}

// kernel makes candidates of the kernel's version: from the oldest on, in more or less detail, and up
// to the newest.
func (g *gatherer) kernel() {
	versions := map[*kind]spec.KernelVersion{}
	for _, k := range g.nodes {
		full, ok := attributesOf(catalogue.KernelVersion)(k)["full"]
		v, isVersion := spec.ParseKernelVersion(full)
		if !ok || !isVersion {
			g.note("kernel.version is left out: %s has the kernel %q, in which no version is found", k, full)
			return
		}
		versions[k] = v
	}
	compare := func(a, b *kind) int { return versions[a].Compare(versions[b]) }
	oldest, newest := slices.MinFunc(g.nodes, compare), slices.MaxFunc(g.nodes, compare)
	add := func(t tier, pattern, bound, which string, k *kind, trap string) {
		why := fmt.Sprintf("kernel %s: %s has %s%s", bound, g.extreme(which, k), attributesOf(catalogue.KernelVersion)(k)["full"], trap)
		g.add(t, catalogue.KernelVersion, catalogue.Attribute, why, Expression{Element: "full", Op: "InRegexp", Value: []string{pattern}})
	}
	least, most := versions[oldest], versions[newest]
	exact := least
	least.Patch, most.Patch = 0, 0
	const trap = "; `type: version` fails on the releases of RHEL, and major and minor are not there on Debian 13 and WSL2"
	add(common, least.AtLeast(), least.String()+" or newer", "oldest", oldest, trap)
	if exact.Patch > 0 {
		add(finer, exact.AtLeast(), exact.String()+" or newer", "oldest", oldest, trap)
	}
	add(upper, most.AtMost(), most.String()+" or older", "newest", newest, "; this also refuses newer ones that would do")
}
