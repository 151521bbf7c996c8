package yamltree

import (
	"bytes"
	"encoding/json"
	"strings"

	"sigs.k8s.io/yaml"
)

// Typed returns a scalar as kubectl, kubelets and NFD see it: a string, bool,
// json.Number or nil. They read YAML 1.1 with sigs.k8s.io/yaml, in which yes is
// true and 0200 is 128.
func (n *Node) Typed() any {
	switch {
	case n.Tag == "!!int", n.Tag == "!!float", n.Tag == "!!bool", n.Tag == "!!null":
		return typed(n.Value)
	case !n.Plain || n.Tag == "!!str":
		return n.Value
	}
	return typed(n.Value)
}

// typed returns what an unquoted scalar is.
func typed(text string) any {
	const longest = 64 // of a number, or a word that means something
	switch {
	case text == "" || text == "null":
		return nil
	case text == "true" || text == "false":
		return text == "true"
	case decimal(text):
		return json.Number(text)
	case len(text) > longest, !strings.ContainsRune("yYnNtTfFoO~+-.0123456789", rune(text[0])):
		return text
	}
	return ask(text)
}

// decimal reports whether s is a plain number, which needs no second look.
func decimal(s string) bool {
	return len(s) < 19 && s[0] != '0' && strings.Trim(s, "0123456789") == ""
}

// ask asks sigs.k8s.io/yaml what an unquoted scalar is, which takes 10 µs.
func ask(text string) any {
	data, err := yaml.YAMLToJSON([]byte("- " + text))
	if err != nil {
		return text
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var list []any
	if err := decoder.Decode(&list); err != nil || len(list) != 1 {
		return text
	}
	switch list[0].(type) {
	case bool, json.Number, nil:
		return list[0]
	}
	return text
}
