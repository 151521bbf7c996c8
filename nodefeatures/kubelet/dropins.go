package kubelet

// dropInRules say how a release of the kubelet reads the directory that
// --config-dir names. They are what its mergeKubeletConfigurations does
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/cmd/kubelet/app/server.go).
type dropInRules struct {
	// anyKind: a drop-in must have a kind, but it does not matter which.
	anyKind bool
	// null says what a gate without a value does.
	null nullMeaning
}

// A nullMeaning is what `featureGates: {A: null}` does in a drop-in.
type nullMeaning int

const (
	nullDeletes        nullMeaning = iota // whatever weaker files say
	nullDeletesDropIns                    // what weaker drop-ins say; the --config file's value stays
	nullIsFalse                           // as in the --config file
)

// rulesFor returns the rules of the kubelet of that version, and those of the
// newest when the version is not known.
//
//   - 1.28 decodes each drop-in as a configuration, where a null is false, and
//     lays it over the former with github.com/imdario/mergo.
//   - 1.29 to 1.31 merge them as JSON patches, without a look at their kind, into
//     a document that holds the --config file under other names, so that a null
//     does not reach it.
//   - From 1.32 on each must be a KubeletConfiguration, and a null deletes.
func rulesFor(version string) dropInRules {
	r, err := ParseRelease(version)
	if err != nil || r.Major != 1 || r.Minor >= 32 {
		return dropInRules{}
	}
	if r.Minor >= 29 {
		return dropInRules{anyKind: true, null: nullDeletesDropIns}
	}
	return dropInRules{null: nullIsFalse}
}
