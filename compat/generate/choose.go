package generate

import "slices"

// chooseCommon takes what the nodes have in common, and of several ways to say the same the first.
func chooseCommon(list []judged) []bool {
	chosen := make([]bool, len(list))
	said := map[[2]string]bool{}
	for i := range list {
		way := [2]string{list[i].Feature, list[i].instead}
		chosen[i] = list[i].tier <= common && (list[i].instead == "" || !said[way])
		said[way] = said[way] || chosen[i]
	}
	return chosen
}

// chooseApart takes what was asked for by name, and as few as will do of the others to refuse the
// refused nodes: the plainest first, and of these the one that refuses the most. It returns the first
// refused node that is left, -1 if there is none.
func chooseApart(list []judged, refused int) (chosen []bool, left int) {
	chosen = make([]bool, len(list))
	open := make([]bool, refused)
	for i := range open {
		open[i] = true
	}
	take := func(j int) {
		chosen[j] = true
		for i := range open {
			open[i] = open[i] && !list[j].refuses(i)
		}
	}
	for j := range list {
		if list[j].tier == named {
			take(j)
		}
	}
	for t := common; t <= absence; t++ {
		for best := mostRefused(list, t, open); best >= 0; best = mostRefused(list, t, open) {
			take(best)
		}
	}
	if left := slices.Index(open, true); left >= 0 {
		return nil, left
	}
	dropNeedless(list, chosen, refused)
	return chosen, -1
}

// mostRefused is the first candidate of a tier that refuses the most of the nodes that are open; -1
// if none refuses any.
func mostRefused(list []judged, t tier, open []bool) int {
	best, most := -1, 0
	for j := range list {
		n := 0
		for i := range open {
			if open[i] && list[j].tier == t && list[j].refuses(i) {
				n++
			}
		}
		if n > most {
			best, most = j, n
		}
	}
	return best
}

// dropNeedless leaves out what refuses nothing that the others don't, the least plain first.
func dropNeedless(list []judged, chosen []bool, refused int) {
	for t := absence; t > named; t-- {
		for j := range slices.Backward(list) {
			if list[j].tier != t || !chosen[j] {
				continue
			}
			chosen[j] = false
			for i := range refused {
				needed := !slices.ContainsFunc(indices(chosen), func(o int) bool { return list[o].refuses(i) })
				chosen[j] = chosen[j] || needed
			}
		}
	}
}

// indices are those of what is chosen.
func indices(chosen []bool) (list []int) {
	for i, is := range chosen {
		if is {
			list = append(list, i)
		}
	}
	return list
}
