package nodefeatures

// slabSize is how many elements are allocated at once. Allocating them term by
// term costs as much as filling them in.
const slabSize = 64

// A slab is the rest of a piece of memory.
type slab[T any] []T

// take cuts off n elements.
func (s *slab[T]) take(n int) []T {
	if len(*s) < n {
		*s = make([]T, max(n, slabSize))
	}
	taken := (*s)[:n:n]
	*s = (*s)[n:]
	return taken
}

// slots are n expressions, and what was found in the place of each: whether it is
// there, and its value.
func (e *evaluator) slots(n int) ([]Expression, []Found, []string) {
	return e.expressionSlab.take(n), e.foundSlab.take(n), e.valueSlab.take(n)
}
