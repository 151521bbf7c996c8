package spec

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	semver "github.com/Masterminds/semver/v3"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec/yamltree"
)

var expressionKeys = []string{"op", "value", "type"}

// operators says what each op takes, as evaluateMatchExpression in NFD's
// pkg/apis/nfd/nodefeaturerule/expression.go demands it while evaluating.
var operators = func() map[nfdv1alpha1.MatchOp]catalogue.Operator {
	table := map[nfdv1alpha1.MatchOp]catalogue.Operator{}
	for _, o := range catalogue.Operators() {
		table[nfdv1alpha1.MatchOp(o.Name)] = o
	}
	return table
}()

// operatorNames are the operators as a message lists them, without Any.
var operatorNames = func() (names []string) {
	for _, o := range catalogue.Operators() {
		if o.Name != "" {
			names = append(names, o.Name)
		}
	}
	return names
}()

// expressionNodes are the places of an expression's parts, nil where absent, and
// which of them could not be read.
type expressionNodes struct {
	self, op, value, kind    *yamltree.Node
	badOp, badValue, badType bool
}

// expression reads one expression; valid is false if NFD could not evaluate it.
func (d *decoder) expression(n *yamltree.Node) (e *nfdv1alpha1.MatchExpression, at expressionNodes, valid bool) {
	e = &nfdv1alpha1.MatchExpression{}
	at = expressionNodes{self: n}
	if n.Kind != yamltree.Mapping && n.Tag == "" {
		d.noExpression(n)
		return e, at, false
	}
	_, ok := d.object(n, expressionKeys, func(key string, value *yamltree.Node) {
		switch key {
		case "op":
			op, ok := d.text(value)
			e.Op, at.op, at.badOp = nfdv1alpha1.MatchOp(op), value, !ok
		case "value":
			values, ok := d.values(value)
			e.Value, at.value, at.badValue = values, value, !ok
		case "type":
			kind, ok := d.text(value)
			e.Type, at.kind, at.badType = nfdv1alpha1.ValueType(kind), value, !ok
		}
	})
	return e, at, ok && d.checkExpression(e, at)
}

// noExpression reports what stands in the place of an expression, and how that
// would be written as one.
func (d *decoder) noExpression(n *yamltree.Node) {
	name := d.path[len(d.path)-1].key
	if _, same := d.reading.of(name, true); !same || !isPathWord(name) {
		name = strconv.Quote(name)
	}
	op := verdict.Nearest(n.Value, operatorNames)
	o := operators[nfdv1alpha1.MatchOp(op)]
	expression := "{op: Exists}"
	switch {
	case n.Kind == yamltree.Sequence:
		expression = "{op: In, value: [...]}"
	case isNull(n):
	case n.Plain && n.Value == "true":
		expression = "{op: Exists} if it is a flag, {op: IsTrue} if it has a value"
	case signedVersion(n.Value) != "":
		expression = signedVersion(n.Value)
	case op == "":
		expression = "{op: In, value: [" + quoteShort(n.Value) + "]}"
	case o.Max != 0:
		expression = "{op: " + op + ", value: [...]}"
	default:
		expression = "{op: " + op + "}"
	}
	hint := "write " + name + ": " + expression
	if isNull(n) {
		d.errorf(n, CodeNull, hint, "nothing here: an expression is needed")
		return
	}
	d.errorf(n, CodeWrongType, hint, "an expression is a mapping, not %s", n.Kind)
}

// signedVersion is the expression that a sign and a version say, as in >=5.10; "" for other texts.
func signedVersion(text string) string {
	version := strings.TrimLeft(text, "<>=! ")
	o, ok := catalogue.SignOperator(strings.TrimSpace(text[:len(text)-len(version)]))
	if _, err := semver.NewVersion(version); err != nil || !ok || !operators[nfdv1alpha1.MatchOp(o.Name)].Ordered {
		return ""
	}
	return "{op: " + o.Name + ", type: version, value: [" + strconv.Quote(version) + "]}"
}

func (d *decoder) values(n *yamltree.Node) (values nfdv1alpha1.MatchValue, ok bool) {
	if n.Kind == yamltree.Scalar && !isNull(n) && n.Tag == "" {
		d.errorf(n, CodeWrongType, fmt.Sprintf("write value: [%s]", strconv.Quote(n.Value)), "a list of values is needed, not text")
		return nil, false
	}
	if !d.expect(n, yamltree.Sequence) {
		return nil, false
	}
	ok = true
	values = make(nfdv1alpha1.MatchValue, len(n.Content))
	for i := range n.Content {
		d.enterItem(i)
		value, readable := d.text(n.Content[i].Deref())
		values[i] = value
		ok = ok && readable
		d.leave()
	}
	return values, ok
}

// checkExpression reports what NFD would find wrong while evaluating, and what
// is wrong with the other parts where one could not be read.
func (d *decoder) checkExpression(e *nfdv1alpha1.MatchExpression, at expressionNodes) bool {
	before := len(d.problems)
	o, known := operators[e.Op]
	if !known && !at.badOp {
		d.inside("op", at.op, CodeOp, operatorHint(string(e.Op)), "%s is no operator of NFD", quoteShort(string(e.Op)))
	}
	known = known && !at.badOp
	if known && e.Op == nfdv1alpha1.MatchAny && !d.checkAny(e, at) {
		return false
	}
	if known && !at.badValue {
		d.checkCount(e, o, at)
	}
	if !at.badType {
		d.checkType(e, known, at)
	}
	switch {
	case !known || at.badValue || at.badType || at.value == nil:
	case e.Op == nfdv1alpha1.MatchInRegexp:
		d.checkRegexps(e, at)
	case o.Ordered && e.Type == nfdv1alpha1.TypeVersion:
		d.checkVersions(e, at)
	case o.Ordered && e.Type == nfdv1alpha1.TypeEmpty:
		d.checkIntegers(e, at)
	}
	return !at.badOp && !at.badValue && !at.badType && d.problems[before:].Err() == nil
}

// operatorHint says which operator was meant by a word or sign that is none.
func operatorHint(op string) string {
	if strings.EqualFold(op, "is") {
		return "write Exists for a flag, In with the value for an attribute"
	}
	near := verdict.Nearest(op, operatorNames)
	if o, ok := catalogue.SignOperator(op); ok {
		near = o.Name
	}
	if near == "" {
		return "the operators are " + strings.Join(operatorNames, ", ")
	}
	return "did you mean " + near + "?"
}

// inside reports a problem with a part of the expression.
func (d *decoder) inside(key string, n *yamltree.Node, code, hint, format string, args ...any) {
	d.enter(key)
	d.errorf(n, code, hint, format, args...)
	d.leave()
}

// checkAny deals with an expression without an operator: true on every node
// that has the feature (NFD's op Any).
func (d *decoder) checkAny(e *nfdv1alpha1.MatchExpression, at expressionNodes) bool {
	switch {
	case len(e.Value) > 0, at.badValue:
		d.errorf(at.self, CodeOp, "add op: In, or the operator that you mean", "values without an operator: NFD refuses them")
		return false
	case d.group:
		d.errorf(at.self, CodeMissingKey, "add op: Exists, or the operator that you mean", "the key op is missing")
		return false
	default:
		d.warnf(at.self, CodeAlwaysTrue, "add op: Exists, or the operator that you mean",
			"an expression without an operator is true on every node that has the feature")
		return true
	}
}

func (d *decoder) checkCount(e *nfdv1alpha1.MatchExpression, o catalogue.Operator, at expressionNodes) {
	count := len(e.Value)
	n := at.value
	if n == nil {
		n = at.self
	}
	switch {
	case count >= o.Min && (o.Max < 0 || count <= o.Max):
	case o.Max == 0:
		d.inside("value", n, CodeValueCount, "leave value out", "%s takes no value, here are %d", e.Op, count)
	case o.Max < 0:
		d.inside("value", n, CodeValueCount, "", "%s needs at least one value", e.Op)
	case o.Max == 1:
		d.inside("value", n, CodeValueCount, "", "%s takes one value, here are %d", e.Op, count)
	default:
		d.inside("value", n, CodeValueCount, "", "%s takes %d values, here are %d", e.Op, o.Max, count)
	}
}

func (d *decoder) checkType(e *nfdv1alpha1.MatchExpression, knownOp bool, at expressionNodes) {
	switch {
	case e.Type == nfdv1alpha1.TypeEmpty:
	case knownOp && !operators[e.Op].Ordered:
		op := string(e.Op)
		if op == "" {
			op = "an expression without an operator"
		}
		d.inside("type", at.kind, CodeType, "leave type out", "%s takes no type", op)
	case e.Type != nfdv1alpha1.TypeVersion:
		d.inside("type", at.kind, CodeType, "write type: version, or leave it out", "the only type is version, not %s", quoteShort(string(e.Type)))
	}
}

// checkIntegers reads operands as NFD does, with strconv.Atoi.
func (d *decoder) checkIntegers(e *nfdv1alpha1.MatchExpression, at expressionNodes) {
	numbers, bad := make([]int, len(e.Value)), false
	for i, text := range e.Value {
		number, err := strconv.Atoi(text)
		if err != nil {
			hint := ""
			if _, err := semver.NewVersion(text); err == nil {
				hint = "add type: version to compare versions"
			}
			d.operand(at, i, hint, "%s compares integers, and %s is none", e.Op, quoteShort(text))
			bad = true
		}
		numbers[i] = number
	}
	if !bad && operators[e.Op].Max == 2 && len(numbers) == 2 && numbers[0] >= numbers[1] {
		d.operand(at, 0, "", "the first value of %s must be less than the second", e.Op)
	}
}

// checkVersions reads operands as NFD does: extractVersion in its expression.go
// parses with Masterminds/semver and drops the pre-release.
func (d *decoder) checkVersions(e *nfdv1alpha1.MatchExpression, at expressionNodes) {
	versions := make([]*semver.Version, 0, 2)
	for i, text := range e.Value {
		if v, err := semver.NewVersion(text); err == nil {
			versions = append(versions, v)
			d.checkRelease(at, i, v)
		} else {
			d.operand(at, i, "write MAJOR.MINOR.PATCH, such as 6.1.0", "%s is no version", quoteShort(text))
		}
	}
	if operators[e.Op].Max != 2 || len(versions) != 2 || len(e.Value) != 2 {
		return
	}
	order := compareReleases(versions[0], versions[1])
	if order > 0 || order == 0 && e.Op == nfdv1alpha1.MatchGtLt {
		d.warnf(at.value, CodeNeverTrue, "", "no version lies between %s and %s", quoteShort(e.Value[0]), quoteShort(e.Value[1]))
	}
}

// checkRelease warns of what follows the numbers of a version: NFD compares without it.
func (d *decoder) checkRelease(at expressionNodes, i int, v *semver.Version) {
	if v.Prerelease()+v.Metadata() == "" {
		return
	}
	release := fmt.Sprintf("%d.%d.%d", v.Major(), v.Minor(), v.Patch())
	d.enterValue(i)
	d.warnf(at.value.Content[i].Deref(), CodeNotCompared, "write "+release+", or compare another element that tells the builds apart",
		"NFD compares %s as %s: what follows the numbers does not count", quoteShort(v.Original()), release)
	d.leaveValue()
}

// compareReleases compares versions without their pre-releases.
func compareReleases(a, b *semver.Version) int {
	return cmp.Or(cmp.Compare(a.Major(), b.Major()), cmp.Compare(a.Minor(), b.Minor()), cmp.Compare(a.Patch(), b.Patch()))
}

func (d *decoder) operand(at expressionNodes, i int, hint, format string, args ...any) {
	d.enter("value")
	d.enterItem(i)
	d.errorf(at.value.Content[i].Deref(), CodeOperand, hint, format, args...)
	d.leave()
	d.leave()
}
