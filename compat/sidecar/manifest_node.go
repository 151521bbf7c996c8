package sidecar

import (
	"bytes"
	"encoding/json"
	"strings"

	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"
)

// resolve follows an alias. An anchor can't be an alias itself.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

// containsItself returns an alias to a value that it is a part of, nil without one.
// open holds the values around n.
func containsItself(n *yaml.Node, open map[*yaml.Node]bool) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		if open[n.Alias] {
			return n
		}
		return nil // what it names is looked at where it stands
	}
	if n.Anchor != "" {
		open[n] = true
		defer delete(open, n)
	}
	for _, child := range n.Content {
		if found := containsItself(child, open); found != nil {
			return found
		}
	}
	return nil
}

// at returns what is at a path of keys, nil when there is nothing or null.
func (d *decoder) at(n *yaml.Node, path string) *yaml.Node {
	for key := range strings.SplitSeq(path, ".") {
		if n = d.child(n, key, true); n == nil {
			return nil
		}
	}
	if n.Kind == yaml.ScalarNode && scalar(n) == nil {
		return nil
	}
	return n
}

// child returns a key's value in a mapping, the last one when there are
// several, else, with merge, that of its last merge key (<<).
func (d *decoder) child(n *yaml.Node, key string, merge bool) *yaml.Node {
	var source *yaml.Node
	for hops := 0; n != nil && n.Kind == yaml.MappingNode && hops < MaxDepth && d.look(len(n.Content)); hops++ {
		source = nil
		for i := len(n.Content) - 2; i >= 0; i -= 2 {
			k := resolve(n.Content[i])
			switch {
			case k.Kind == yaml.ScalarNode && k.Value == key:
				return resolve(n.Content[i+1])
			case source == nil && merge && isMerge(k):
				source = resolve(n.Content[i+1])
			}
		}
		if source != nil && source.Kind == yaml.SequenceNode {
			return d.merged(source, key)
		}
		n = source
	}
	return nil
}

// merged looks for a key in the mappings that a merge key lists, though not in
// those that these merge in turn.
func (d *decoder) merged(list *yaml.Node, key string) *yaml.Node {
	for _, source := range mergeSources(list) {
		if v := d.child(source, key, false); v != nil {
			return v
		}
	}
	return nil
}

func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && key.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0
}

// textAt returns the text at a path, "" when it is none.
func (d *decoder) textAt(n *yaml.Node, path string) string {
	if v := d.at(n, path); v != nil && v.Kind == yaml.ScalarNode {
		if s, ok := scalar(v).(string); ok {
			return s
		}
	}
	return ""
}

// scalar returns a scalar as kubectl sees it: string, bool, json.Number or nil.
// kubectl reads YAML 1.1, in which yes is true and 0200 is 128.
func scalar(n *yaml.Node) any {
	const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	tagged := n.Style&yaml.TaggedStyle != 0
	switch {
	case tagged && (n.Tag == "!!int" || n.Tag == "!!float" || n.Tag == "!!bool" || n.Tag == "!!null"):
		return legacyScalar(n.Value)
	case n.Style&quoted != 0 || tagged && n.Tag == "!!str":
		return n.Value
	case n.Value == "":
		return nil
	case decimal(n.Value):
		return json.Number(n.Value)
	case !strings.ContainsRune("yYnNtTfFoO~+-.0123456789", rune(n.Value[0])):
		return n.Value
	}
	return legacyScalar(n.Value)
}

// decimal reports whether s is a plain number, which needs no second look.
func decimal(s string) bool {
	return len(s) < 19 && s[0] != '0' && strings.Trim(s, "0123456789") == ""
}

// legacyScalar asks kubectl's YAML parser what an unquoted scalar is.
func legacyScalar(text string) any {
	if len(text) > 64 { // no number, no word that means something
		return text
	}
	data, err := sigsyaml.YAMLToJSON([]byte(text))
	if err != nil {
		return text
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return text
	}
	switch v.(type) {
	case bool, json.Number, nil:
		return v
	}
	return text
}
