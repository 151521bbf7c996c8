package spec

// The codes of problems with the document: it is not the YAML or JSON that a
// spec is written in. All but the last are always errors.
const (
	CodeTooLarge          = "tooLarge"          // more than MaxSize bytes, or yamltree.MaxValues values
	CodeNotUTF8           = "notUTF8"           // an encoding other than UTF-8, or a NUL
	CodeSyntax            = "syntax"            // not YAML
	CodeEmpty             = "empty"             // no document, or nothing in it
	CodeMultipleDocuments = "multipleDocuments" // NFD would read the first and drop the others
	CodeTooDeep           = "tooDeep"           // nested deeper than MaxDepth
	CodeAlias             = "alias"             // an anchor that contains itself, or aliases that expand too much
	CodeMergeKey          = "mergeKey"          // `<<`
	CodeTag               = "tag"               // an explicit tag such as !!str
	CodeTooManyProblems   = "tooManyProblems"   // MaxProblems reached, the rest is left out; a warning if that has no error
)

// The codes of problems with the structure. All are errors.
const (
	CodeWrongKind    = "wrongKind"    // a Kubernetes object that is not accepted here
	CodeVersion      = "version"      // another version than Version
	CodeUnknownKey   = "unknownKey"   // a key that NFD would drop silently
	CodeDuplicateKey = "duplicateKey" // a key that occurs twice
	CodeMissingKey   = "missingKey"   // a key that must be there; a warning for the name of a spec's rule
	CodeWrongType    = "wrongType"    // a list where a mapping belongs, and the like
	CodeNull         = "null"         // nothing where a value belongs
	CodeUnquoted     = "unquoted"     // unquoted text of which NFD would see another text
)

// The codes of problems with the meaning that make a spec unusable.
const (
	CodeEmptyList      = "emptyList"      // a list or mapping of matchers without entries
	CodeNoMatcher      = "noMatcher"      // a rule, alternative or term that would match every node
	CodeFeatureName    = "featureName"    // not DOMAIN.FEATURE
	CodeOp             = "op"             // no operator of NFD
	CodeValueCount     = "valueCount"     // more or fewer values than the operator takes
	CodeType           = "type"           // a type other than version, or with an operator that takes none
	CodeOperand        = "operand"        // not an integer, not a version, or first not less than second
	CodeRegexp         = "regexp"         // not a regular expression (RE2 syntax)
	CodeRegexpTooLarge = "regexpTooLarge" // over MaxRegexpCost or MaxRegexpCosts
	CodeTooManyTerms   = "tooManyTerms"   // more than MaxNameTerms in one rule
	CodeTemplate       = "template"       // a varsTemplate that cannot work
	CodeTemplateUnsafe = "templateUnsafe" // a varsTemplate that uses more than the safe part of the language
	CodeTemplateCost   = "templateCost"   // a varsTemplate over one of its bounds
)

// The codes of warnings.
const (
	CodeAlwaysTrue          = "alwaysTrue"          // an expression that every node with the feature meets
	CodeNearlyAlways        = "nearlyAlways"        // an expression that nearly every node meets, and hardly as meant
	CodeNeverTrue           = "neverTrue"           // an expression that no node can meet
	CodeNeverEqual          = "neverEqual"          // a value or pattern that an element never equals
	CodeUnknownElement      = "unknownElement"      // an element that this NFD does not publish in the feature
	CodeAbsentIsFalse       = "absentIsFalse"       // a NotIn, which is false too where the node has no such element
	CodeAlwaysFails         = "alwaysFails"         // an expression that NFD can hardly answer but with an error
	CodeUnknownFeature      = "unknownFeature"      // a feature that this NFD does not publish: unknown on every node
	CodeWeightRange         = "weightRange"         // a weight outside 0..100
	CodeDuplicateName       = "duplicateName"       // two rules of one set with the same name
	CodeUnsetVariable       = "unsetVariable"       // a variable that no earlier rule of the set sets
	CodeNotCompared         = "notCompared"         // a part of a version that NFD leaves out of comparisons
	CodeModuleSpelling      = "moduleSpelling"      // a module's name that is spelled in another way where it is built in
	CodeUnanchored          = "unanchored"          // a pattern that matches within what was meant to be a whole value
	CodeDuplicateExpression = "duplicateExpression" // an expression that an earlier one of the same rule says as well
	CodeContradiction       = "contradiction"       // an expression that an earlier one, which holds together with it, excludes
	CodeVersionParts        = "versionParts"        // lower bounds on major and minor, which a newer version need not meet
	CodeTemplateFeature     = "templateFeature"     // a varsTemplate that reads a feature that its rule does not match
)
