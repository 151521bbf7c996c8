package derive

import "nodecompat/compat/nvidia"

// gpu is what NFD sees of NVIDIA's GPUs: display (0300) and 3D controllers (0302).
var gpu = []Feature{{"pci.device", []Expression{{"vendor", "In", []string{"10de"}}, {"class", "In", []string{"0300", "0302"}}}}}

// nvidia decides what the variables for NVIDIA's container toolkit ask for.
func (d *decider) nvidia() {
	n := nvidia.Read(d.start.env)
	if n.Devices != "" {
		need := Need{
			Name: "NVIDIA GPU", Confidence: LowerBound, MatchFeatures: gpu,
			Evidence: []Evidence{{Source: SourceEnvironment, Value: nvidia.VisibleDevices + "=" + n.Devices}},
			Notes:    []string{"images made from CUDA's ask for all GPUs, also where the program runs without one"},
		}
		d.add(need)
	}
	for _, r := range n.Requirements {
		if r.Malformed != "" {
			continue // the notes have it
		}
		d.add(Need{
			Name: "NVIDIA driver", Confidence: Hint,
			Evidence: []Evidence{{Source: SourceEnvironment, Value: r.Variable + "=" + r.Value}},
			Notes: []string{
				"the toolkit demands: " + r.Words(),
				"NFD publishes no driver version; gpu-feature-discovery's labels do (nvidia.com/cuda.driver-version.major, older: nvidia.com/cuda.driver.major). With CDI nothing checks it; validate-node and validate-pod do",
			},
		})
	}
	d.notes = append(d.notes, n.Ignored...)
}

// hints tells what file names make a person think of.
func (d *decider) hints() {
	byHint := map[*hint][]seen{}
	linked := map[*hint]bool{}
	for _, s := range d.files {
		if h := hintOf(s.path); h != nil {
			byHint[h] = append(byHint[h], s)
			linked[h] = linked[h] || s.reach == reachStart
		}
		if isInjected(s.path) {
			d.notes = append(d.notes, s.path+": the driver's library comes from the host; this copy is another driver's, and may be loaded in its place")
		}
	}
	for i := range hints {
		h := &hints[i]
		files := byHint[h]
		if len(files) == 0 {
			continue
		}
		need := Need{Name: h.name, Confidence: Hint, MatchFeatures: h.match, Evidence: d.say(SourceFile, "the file is there", files)}
		if h.note != "" {
			need.Notes = append(need.Notes, h.note)
		}
		if linked[h] {
			need.Notes = append(need.Notes, "what runs at the start is linked with it")
		}
		d.add(need)
	}
}
