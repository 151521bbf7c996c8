// Package yamltree reads YAML and JSON that nobody vouches for into a tree whose
// nodes know their lines. Whatever it is given, its time and memory are bounded:
//
//   - Split cuts a text into documents, and refuses too many, before any of them
//     is parsed.
//   - What separates the values of a document is counted before the parser
//     allocates for them. The count is never lower than the number of values, so
//     that of punctuation in texts and comments it counts too many.
//   - A List of Kubernetes objects that is beyond the bounds is cut at its items,
//     which are read one by one (Document.Read).
//
// Split, Parse, Read and each item take a second or two at most; who reads many looks
// at its context in between.
package yamltree
