package artifact

// The codes that only a [Warning] has. A warning about an artifact that is passed over has the code of its error.
const (
	CodeNestedIndex           = "nestedIndex"           // an index within the image's index is left out
	CodeNoPlatform            = "noPlatform"            // entries of the image's index don't name their platform, or their media type
	CodeNoTag                 = "noTag"                 // the reference has neither tag nor digest
	CodeTagMismatch           = "tagMismatch"           // the tag is not what the reference's digest is
	CodeTagUnchecked          = "tagUnchecked"          // what the tag is could not be found out
	CodeDigestHeader          = "digestHeader"          // the registry names another digest than that of its answer
	CodeReferrersTagIsSubject = "referrersTagIsSubject" // the registry takes the referrers tag for the image
	CodeCreatedMoved          = "createdMoved"          // the creation time was moved after that of the artifact in effect
	CodeFromTheFuture         = "fromTheFuture"         // an artifact says that it was made in the future
	CodeSignaturesUnread      = "signaturesUnread"      // what signatures there are could not be found out
)
