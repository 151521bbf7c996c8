package trust

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec"
	"nodecompat/spec/yamltree"
)

// Parse reads a policy, and the files that it names from a folder. It returns nil with all problems
// where one of them is an error.
func Parse(data []byte, folder string) (*Policy, spec.Problems) {
	d := &decoder{folder: folder}
	root := d.read(data)
	p := &Policy{}
	if root != nil {
		sum := sha256.Sum256(data)
		p.sha256 = hex.EncodeToString(sum[:])
		d.policy(root, p)
	}
	slices.SortStableFunc(d.problems, func(a, b spec.Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	if d.problems == nil {
		d.problems = spec.Problems{}
	}
	if d.problems.Err() != nil {
		return nil, d.problems
	}
	return p, d.problems
}

// A decoder turns nodes into a policy and collects the problems on the way.
type decoder struct {
	folder   string
	path     string
	problems spec.Problems
}

// maxProblems is the number of problems that are told.
const maxProblems = 200

func (d *decoder) errorf(n *yamltree.Node, code, hint, format string, args ...any) {
	if len(d.problems) < maxProblems {
		d.problems = append(d.problems, spec.Problem{
			Severity: verdict.SeverityError, Code: code, Path: d.path, Line: max(1, int(n.Line)), Column: max(1, int(n.Column)),
			Message: fmt.Sprintf(format, args...), Hint: hint,
		})
	}
}

// errorAt tells a problem of a key's value.
func (d *decoder) errorAt(n *yamltree.Node, key, code, hint, format string, args ...any) {
	d.in(key, func() { d.errorf(n.Get(key), code, hint, format, args...) })
}

// read makes a tree of a text; nil with a problem if it is none.
func (d *decoder) read(data []byte) *yamltree.Node {
	var start yamltree.Node
	switch {
	case len(data) > MaxPolicySize:
		d.errorf(&start, spec.CodeTooLarge, "", "the policy has more than %d bytes", MaxPolicySize)
		return nil
	case !utf8.Valid(data), bytes.IndexByte(data, 0) >= 0:
		d.errorf(&start, spec.CodeNotUTF8, "write it in UTF-8", "this is not UTF-8")
		return nil
	}
	root, err := yamltree.Parse(data)
	var e *yamltree.Error
	switch {
	case err == nil:
		return root
	case !errors.As(err, &e):
		d.errorf(&start, spec.CodeSyntax, "", "%v", err)
		return nil
	}
	start.Line, start.Column = int32(e.Line), int32(e.Column)
	code := spec.CodeSyntax
	switch e.Code {
	case yamltree.Empty:
		code = spec.CodeEmpty
	case yamltree.SecondDocument:
		code = spec.CodeMultipleDocuments
	case yamltree.TooManyValues:
		code = spec.CodeTooLarge
	case yamltree.TooDeep:
		code = spec.CodeTooDeep
	case yamltree.Loop:
		code = spec.CodeAlias
	}
	d.errorf(&start, code, "", "%s", e.Message)
	return nil
}

// in reads a part below a key or index.
func (d *decoder) in(step string, read func()) {
	before := d.path
	if d.path != "" && !strings.HasPrefix(step, "[") {
		d.path += "."
	}
	d.path += step
	read()
	d.path = before
}

// plain refuses what a policy needs none of: aliases, anchors and tags. Nothing in it is then
// larger than its text.
func (d *decoder) plain(n *yamltree.Node) bool {
	switch {
	case n.Kind == yamltree.Alias, n.Anchored:
		d.errorf(n, spec.CodeAlias, "write the value out", "anchors and aliases are not accepted in a policy")
	case n.Tag != "":
		d.errorf(n, spec.CodeTag, "leave the tag out", "explicit tags are not accepted")
	default:
		return true
	}
	return false
}

// object reads a mapping with the keys that read knows, each once.
func (d *decoder) object(n *yamltree.Node, keys []string, read func(key string, value *yamltree.Node)) (present []string, ok bool) {
	if !d.plain(n) {
		return nil, false
	}
	if n.Kind != yamltree.Mapping {
		d.errorf(n, spec.CodeWrongType, "", "a mapping belongs here, not %s", n.Kind)
		return nil, false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := &n.Content[i], &n.Content[i+1]
		switch {
		case key.Kind != yamltree.Scalar:
			d.errorf(key, spec.CodeWrongType, "", "a key must be text, not %s", key.Kind)
		case !d.plain(key):
		case !slices.Contains(keys, key.Value):
			d.errorf(key, spec.CodeUnknownKey, nearest(key.Value, keys), "unknown key %.60q", key.Value)
		case slices.Contains(present, key.Value):
			d.errorf(key, spec.CodeDuplicateKey, "", "the key %s occurs twice", key.Value)
		default:
			present = append(present, key.Value)
			d.in(key.Value, func() {
				if d.plain(value) {
					read(key.Value, value)
				}
			})
		}
	}
	return present, true
}

func nearest(key string, keys []string) string {
	if near := verdict.Nearest(key, keys); near != "" {
		return "did you mean " + near + "?"
	}
	return "the keys are " + strings.Join(keys, ", ")
}

// list reads the items of a list, of which there is at least one.
func (d *decoder) list(n *yamltree.Node, most int, what string, read func(item *yamltree.Node)) {
	switch {
	case n.Kind != yamltree.Sequence:
		d.errorf(n, spec.CodeWrongType, "", "a list of %ss belongs here, not %s", what, n.Kind)
	case len(n.Content) == 0:
		d.errorf(n, spec.CodeEmptyList, "", "a list of %ss without one", what)
	case len(n.Content) > most:
		d.errorf(n, CodeTooManyRules, "", "more than %d %ss", most, what)
	default:
		for i := range n.Content {
			d.in("["+strconv.Itoa(i)+"]", func() { read(&n.Content[i]) })
		}
	}
}

// text reads a text that is not empty.
func (d *decoder) text(n *yamltree.Node) string {
	if n.Kind != yamltree.Scalar {
		d.errorf(n, spec.CodeWrongType, "", "text belongs here, not %s", n.Kind)
		return ""
	}
	switch value := n.Typed().(type) {
	case string:
		if value == "" {
			d.errorf(n, spec.CodeNull, "", "an empty text: it has to say something")
		}
		return value
	case nil:
		d.errorf(n, spec.CodeNull, "", "nothing: text belongs here")
	default:
		d.errorf(n, spec.CodeUnquoted, "quote it: \""+n.Value+"\"", "%.40q is no text but %v", n.Value, value)
	}
	return ""
}

// word reads one of a few words.
func (d *decoder) word(n *yamltree.Node, words ...string) string {
	text := d.text(n)
	if text != "" && !slices.Contains(words, text) {
		d.errorf(n, spec.CodeWrongType, "write "+strings.Join(words, " or "), "%.60q means nothing here", text)
		return ""
	}
	return text
}

// require tells the keys that are missing.
func (d *decoder) require(n *yamltree.Node, present []string, keys ...string) {
	for _, key := range keys {
		if !slices.Contains(present, key) {
			d.errorf(n, spec.CodeMissingKey, "", "the key %s is missing", key)
		}
	}
}

func (d *decoder) policy(root *yamltree.Node, p *Policy) {
	keys := []string{"apiVersion", "kind", "rules"}
	present, ok := d.object(root, keys, func(key string, value *yamltree.Node) {
		switch key {
		case "apiVersion":
			p.APIVersion = d.version(value)
		case "kind":
			p.Kind = d.word(value, Kind)
		case "rules":
			d.list(value, MaxRules, "rule", func(item *yamltree.Node) { p.Rules = append(p.Rules, d.rule(item)) })
		}
	})
	if !ok {
		return
	}
	d.require(root, present, keys...)
	if rules := root.Get("rules"); rules != nil && len(p.Rules) == len(rules.Content) {
		d.compareRules(rules, p.Rules)
	}
}

func (d *decoder) version(n *yamltree.Node) string {
	text := d.text(n)
	if text != "" && text != APIVersion {
		d.errorf(n, spec.CodeVersion, "write "+APIVersion, "the version %.60q is not known", text)
	}
	return text
}

// compareRules refuses rules of which nobody knows which one decides.
func (d *decoder) compareRules(n *yamltree.Node, rules []Rule) {
	for i, later := range rules {
		for j, earlier := range rules[:i] {
			if earlier.Images == "" || specificityOf(earlier.Images) != specificityOf(later.Images) || !overlap(earlier.Images, later.Images) {
				continue
			}
			d.in(fmt.Sprintf("rules[%d].images", i), func() {
				d.errorf(n.Content[i].Get("images"), CodeAmbiguousRules, "make one of them more specific, or join them",
					"the pattern matches images that rules[%d] matches, too, and is as specific as that", j)
			})
			break
		}
	}
}

var ruleKeys = []string{"images", "signers", "threshold", "maxAge", "accept"}

func (d *decoder) rule(n *yamltree.Node) Rule {
	r := Rule{line: int(n.Line)}
	present, ok := d.object(n, ruleKeys, func(key string, value *yamltree.Node) {
		switch key {
		case "images":
			r.Images = d.images(value)
		case "signers":
			d.list(value, MaxSigners, "signer", func(item *yamltree.Node) { d.signer(item, &r) })
		case "threshold":
			r.Threshold = d.threshold(value)
		case "maxAge":
			r.MaxAge, r.maxAge = d.duration(value)
		case "accept":
			r.Accept = d.word(value, acceptAnything, acceptNothing)
		}
	})
	if !ok {
		return r
	}
	d.require(n, present, "images")
	has := func(key string) bool { return slices.Contains(present, key) }
	switch {
	case has("signers") == has("accept"):
		d.errorf(n, spec.CodeMissingKey, "signers say who must have signed an artifact; accept: anything, or nothing, asks for no signature",
			"a rule has either signers or accept")
	case has("accept") && has("threshold"):
		d.errorAt(n, "threshold", CodeThreshold, "leave it out", "a threshold without signers")
	case has("accept") && has("maxAge"):
		d.errorAt(n, "maxAge", CodeMaxAge, "name signers", "a maxAge without signers: the date of an artifact that nobody signed proves nothing")
	case has("threshold") && r.Threshold > len(r.Signers):
		d.errorAt(n, "threshold", CodeThreshold, "", "the threshold is %d, and there are %d signers", r.Threshold, len(r.Signers))
	}
	if !has("threshold") {
		r.Threshold = 1
	}
	return r
}

func (d *decoder) images(n *yamltree.Node) string {
	text := d.text(n)
	if text == "" {
		return ""
	}
	if reason, hint := checkPattern(text); reason != "" {
		d.errorf(n, CodeImagesPattern, hint, "the pattern %.80q matches no image: %s", text, reason)
		return ""
	}
	return text
}

func (d *decoder) threshold(n *yamltree.Node) int {
	number, ok := n.Typed().(json.Number)
	value, err := strconv.Atoi(string(number))
	if n.Kind != yamltree.Scalar || !ok || err != nil || value < 1 {
		d.errorf(n, CodeThreshold, "", "the threshold must be a number of signers, 1 or more")
		return 1
	}
	return value
}

func (d *decoder) duration(n *yamltree.Node) (string, time.Duration) {
	const hint = "write it in hours, as 8760h for a year"
	if number, ok := n.Typed().(json.Number); ok {
		d.errorf(n, CodeMaxAge, hint, "%s has no unit", number)
		return "", 0
	}
	text := d.text(n)
	if text == "" {
		return "", 0
	}
	age, err := time.ParseDuration(text)
	if err != nil || age <= 0 {
		d.errorf(n, CodeMaxAge, hint, "%.40q is no duration above zero", text)
	}
	return text, age
}

// Keys of signers that a later version will read.
var laterKeys = []string{"identity", "issuer", "subjectRegExp", "trustedRoot"}

var signerKeys = []string{"name", "key", "ca", "subject", "time"}

func (d *decoder) signer(n *yamltree.Node, r *Rule) {
	s, compiled := Signer{}, &signer{}
	later := false
	var keyNode *yamltree.Node
	present, ok := d.object(n, slices.Concat(signerKeys, laterKeys), func(key string, value *yamltree.Node) {
		if slices.Contains(laterKeys, key) {
			later = true
			d.errorf(value, CodeNotSupported, "sign with a key, or with a certificate of an own authority (ca, subject)",
				"%s is not supported yet: this version verifies with keys and own authorities only", key)
			return
		}
		text := d.text(value)
		switch key {
		case "name":
			s.Name = text
			if len(text) > 128 {
				d.errorf(value, spec.CodeTooLarge, "", "a name of more than 128 bytes")
			}
		case "key":
			s.Key, keyNode = text, value
			compiled.key = d.key(value, text)
		case "ca":
			s.CA, keyNode = text, value
			compiled.authorities, compiled.ids = d.authorities(value, text)
		case "subject":
			s.Subject = text
		case "time":
			s.Time = text
			d.time(value, text)
		}
	})
	r.Signers = append(r.Signers, s)
	if !ok || later {
		return
	}
	d.require(n, present, "name")
	has := func(key string) bool { return slices.Contains(present, key) }
	switch {
	case has("key") == has("ca"):
		d.errorf(n, spec.CodeMissingKey, "", "a signer has either a key, or a ca with a subject")
		return
	case has("ca"):
		d.require(n, present, "subject")
	case has("subject") || has("time"):
		d.errorf(n, spec.CodeUnknownKey, "leave it out", "a key has neither a subject nor a time: these are of certificates")
	}
	compiled.name, compiled.subject = s.Name, s.Subject
	switch {
	case compiled.key != nil:
		compiled.ids = []string{compiled.key.fingerprint}
	case compiled.authorities != nil:
		for i := range compiled.ids {
			compiled.ids[i] += " " + s.Subject
		}
	default:
		return // its file could not be used
	}
	for _, other := range r.signers {
		if other.same(compiled) {
			d.errorf(keyNode, CodeDuplicateSigner, "name it once", "this signer may be the same as %q: one must not count as two", other.name)
		} else if other.name == compiled.name {
			d.errorf(n, CodeDuplicateSigner, "", "two signers of a rule are called %q", other.name)
		}
	}
	r.signers = append(r.signers, compiled)
}

func (d *decoder) time(n *yamltree.Node, text string) {
	switch text {
	case "now", "":
	case "timestamp":
		d.errorf(n, CodeNotSupported, "write now, or leave it out", "time: timestamp is not supported yet: the certificate must be valid when the signature is verified")
	default:
		d.errorf(n, spec.CodeWrongType, "write now, or leave it out", "%.60q means nothing here", text)
	}
}

// pem gets what a key says: PEM, or the name of a file with it.
func (d *decoder) pem(n *yamltree.Node, text string) ([]byte, bool) {
	if text == "" {
		return nil, false
	}
	if isPEM(text) {
		return []byte(text), true
	}
	file := text
	if !filepath.IsAbs(file) {
		file = filepath.Join(d.folder, file)
	}
	data, err := readRegular(file, MaxKeyFile)
	if err != nil {
		d.errorf(n, CodeKeyUnreadable, "name a PEM file, from the policy's folder, or write the PEM itself", "reading %.200s: %v", text, err)
		return nil, false
	}
	return data, true
}

func (d *decoder) key(n *yamltree.Node, text string) *key {
	data, ok := d.pem(n, text)
	if !ok {
		return nil
	}
	k, err := parseKey(data)
	if err != nil {
		d.errorf(n, CodeInvalidKey, "write a public key in PEM (PUBLIC KEY), as cosign.pub", "it is no key that can be used: %v", err)
	}
	return k
}

// authorities reads certificate authorities, with the hash of each.
func (d *decoder) authorities(n *yamltree.Node, text string) (pool *x509.CertPool, hashes []string) {
	data, ok := d.pem(n, text)
	if !ok {
		return nil, nil
	}
	list, err := parseAuthorities(data)
	if err != nil {
		d.errorf(n, CodeInvalidKey, "write the certificates of authorities in PEM (CERTIFICATE)", "it is no certificate authority that can be used: %v", err)
		return nil, nil
	}
	pool = x509.NewCertPool()
	for _, c := range list {
		pool.AddCert(c)
		sum := sha256.Sum256(c.Raw)
		hashes = append(hashes, hex.EncodeToString(sum[:]))
	}
	return pool, hashes
}
