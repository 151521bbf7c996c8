// Package verdict holds the words that every other package stands on: the three
// verdicts and how they combine, reasons, severities, and the one guess at what
// a misspelt name was meant to be.
package verdict
