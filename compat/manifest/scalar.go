package manifest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"nodecompat/spec/yamltree"
)

var (
	unmarshaler = reflect.TypeFor[json.Unmarshaler]()
	fieldsV1    = reflect.TypeFor[metav1.FieldsV1]()
)

var errNoJSON = errors.New("JSON has no such value")

// isNull reports a scalar that is null, or nothing.
func isNull(n *yamltree.Node) bool { return n.Kind == yamltree.Scalar && typed(n) == nil }

// typed returns a scalar as kubectl sees it, base64 (!!binary) decoded. What JSON has no
// value for, such as .inf, is an error, which fits nowhere.
func typed(n *yamltree.Node) any {
	if n.Tag != "!!binary" {
		switch strings.ToLower(strings.TrimLeft(n.Value, "+-")) {
		case ".inf", ".nan":
			if n.Plain && n.Tag != "!!str" {
				return errNoJSON
			}
		}
		return n.Typed()
	}
	text, err := base64.StdEncoding.DecodeString(n.Value)
	if err != nil {
		return err
	}
	return string(text)
}

// special reads a type that decodes itself, such as a Quantity.
func (d *decoder) special(n *yamltree.Node, t reflect.Type, path string) (any, bool) {
	if t == fieldsV1 { // takes what it gets
		return nil, true
	}
	if n.Kind != yamltree.Scalar || hugeExponent(n.Value) {
		return d.wrong(n, path, "a "+t.Name())
	}
	v := typed(n)
	data, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(data, reflect.New(t).Interface())
	}
	if err != nil {
		return d.wrong(n, path, "a "+t.Name())
	}
	return v, true
}

// hugeExponent reports a number whose exact value would take unbounded time and
// memory to write out.
func hugeExponent(text string) bool {
	i := strings.IndexAny(text, "eE")
	if i < 0 {
		return len(text) > maxName
	}
	exponent, err := strconv.Atoi(text[i+1:])
	return len(text) > maxName || err == nil && (exponent > 99 || exponent < -99) || errors.Is(err, strconv.ErrRange)
}

// scalar reads a value of a basic type.
func (d *decoder) scalar(n *yamltree.Node, t reflect.Type, path string) (any, bool) {
	if n.Kind != yamltree.Scalar {
		return d.wrong(n, path, named(t.Kind()))
	}
	v := typed(n)
	switch value := v.(type) {
	case string:
		if t.Kind() == reflect.String {
			return v, true
		}
	case bool:
		if t.Kind() == reflect.Bool {
			return v, true
		}
	case json.Number:
		if integer, ok := fits(value, t); ok {
			return integer, true
		}
	}
	return d.wrong(n, path, named(t.Kind()))
}

// fits returns a number that the integer type can hold. 30.0 is 30.
func fits(number json.Number, t reflect.Type) (int64, bool) {
	if t.Kind() != reflect.Int32 && t.Kind() != reflect.Int64 && t.Kind() != reflect.Int {
		return 0, false
	}
	i, err := number.Int64()
	if err != nil {
		f, err := number.Float64()
		if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			return 0, false
		}
		i = int64(f)
	}
	return i, !reflect.Zero(t).OverflowInt(i)
}

func named(kind reflect.Kind) string {
	switch kind {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int32, reflect.Int64, reflect.Int:
		return "an integer (" + kind.String() + ")"
	}
	return "a " + kind.String()
}

// A fieldCache keeps the JSON names of the fields of struct types.
type fieldCache map[reflect.Type]map[string]reflect.Type

// of returns the fields of a struct type, those of inlined structs included.
func (c *fieldCache) of(t reflect.Type) map[string]reflect.Type {
	if *c == nil {
		*c = fieldCache{}
	}
	if fields, ok := (*c)[t]; ok {
		return fields
	}
	fields := map[string]reflect.Type{}
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "" && (field.Anonymous || options == "inline"):
			for name, of := range c.of(field.Type) {
				fields[name] = of
			}
		case name != "" && name != "-":
			fields[name] = field.Type
		}
	}
	(*c)[t] = fields
	return fields
}
