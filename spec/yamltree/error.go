package yamltree

import "fmt"

// A Code says what is wrong with a document.
type Code int

// The codes of errors.
const (
	Syntax           Code = iota // neither YAML nor JSON
	Empty                        // no document
	SecondDocument               // another document follows the one that was asked for
	TooLarge                     // more than MaxDocument bytes, as they are written or as aliases repeat them
	TooManyValues                // more than MaxValues, those that aliases repeat included
	TooManyDocuments             // more than MaxDocuments
	TooManyItems                 // more than MaxItems
	TooDeep                      // nested deeper than MaxDepth
	Loop                         // an alias within its own anchor
	Key                          // a key that occurs twice, or is no text
)

// An Error is why a document is not read.
type Error struct {
	Code Code
	// Line and Column are where, from 1; 0 for the document as a whole, or where the
	// parser does not tell.
	Line, Column int
	Message      string
}

// Error returns the message with its line.
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Message)
}

// What errors say.
const (
	notYAML = "not YAML: "
	notJSON = "not JSON: "
)

var (
	tooLarge         = fmt.Sprintf("more than %d bytes", MaxDocument)
	tooManyValues    = fmt.Sprintf("more than %d values", MaxValues)
	tooManyDocuments = fmt.Sprintf("more than %d documents", MaxDocuments)
	tooManyItems     = fmt.Sprintf("a list of more than %d items", MaxItems)
	tooDeep          = fmt.Sprintf("nested deeper than %d levels", MaxDepth)
)

func errorAt(n *Node, code Code, format string, args ...any) *Error {
	return &Error{Code: code, Line: int(n.Line), Column: int(n.Column), Message: fmt.Sprintf(format, args...)}
}
