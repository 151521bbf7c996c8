package report

// An Admission is what an API server makes of a Pod before it stores it (--server-dry-run).
type Admission struct {
	// Object is what became of the object, and Template of a Pod of its template, which is sent by
	// itself; notSent for the template of a Pod, and for kinds that are not Kubernetes' own.
	Object   AdmissionState `json:"object"`
	Template AdmissionState `json:"template"`
	// Namespace is the one that it was sent to.
	Namespace string `json:"namespace"`
	// Warnings are what the server warns of, in its words.
	Warnings []string `json:"warnings"`
	// Changes are what admission makes of the Pod beside the API's defaults, by path: injected
	// containers, other images, volumes, tolerations. The Pod that is judged has them.
	Changes []AdmissionChange `json:"changes"`
	// MoreChanges is how many were left out: at most 100 are told.
	MoreChanges int `json:"moreChanges,omitempty"`
}

// An AdmissionState is what became of an object that was sent.
type AdmissionState string

// The states of an object.
const (
	AdmissionAccepted AdmissionState = "accepted"
	AdmissionRefused  AdmissionState = "refused" // findings SC037 tell why
	AdmissionNotSent  AdmissionState = "notSent"
	AdmissionFailed   AdmissionState = "failed" // the server could not be asked: see error
)

// An AdmissionChange is a value of the Pod that is not as in the manifest.
type AdmissionChange struct {
	// Path is where it is in a Pod: spec.containers[1], metadata.labels.x.
	Path string `json:"path"`
	// Before and After are the values as JSON; empty where there is none.
	Before string `json:"before"`
	After  string `json:"after"`
}
