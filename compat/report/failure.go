package report

// KindFailure names the document of a command that has none of its own for a failure.
const KindFailure = "Failure"

// A Failure says why there is no document of the kind that was asked for.
type Failure struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Error      *Error `json:"error"`
}

// NewFailure describes err.
func NewFailure(err error) *Failure {
	return &Failure{APIVersion: APIVersion, Kind: KindFailure, Error: NewError(err)}
}
