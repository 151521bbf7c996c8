package nodefeatures

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree makes files below a new directory; a path that ends in / is a
// directory, and a content that begins with -> is a link.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for path, content := range files {
		full := filepath.Join(root, path)
		if strings.HasSuffix(path, "/") {
			must(t, os.MkdirAll(full, 0o755))
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(full), 0o755))
		if target, ok := strings.CutPrefix(content, "->"); ok {
			must(t, os.Symlink(target, full))
			continue
		}
		must(t, os.WriteFile(full, []byte(content), 0o644))
	}
	return root
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func with(files ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, more := range files {
		for path, content := range more {
			all[path] = content
		}
	}
	return all
}

// pciFiles is a PCI device of sysfs.
func pciFiles(address, class, vendor, device string) map[string]string {
	dir := "sys/bus/pci/devices/" + address + "/"
	return map[string]string{
		dir + "class": "0x" + class + "00\n", dir + "vendor": "0x" + vendor + "\n", dir + "device": "0x" + device + "\n",
		dir + "subsystem_vendor": "0x0000\n", dir + "subsystem_device": "0x0000\n",
	}
}

// find returns the entry of an unreadable feature.
func find(s *Snapshot, feature string) *Unreadable {
	for _, source := range s.Sources {
		for i := range source.Unreadable {
			if source.Unreadable[i].Feature == feature {
				return &source.Unreadable[i]
			}
		}
	}
	return nil
}

func code(s *Snapshot, feature string) string {
	u := find(s, feature)
	switch {
	case u == nil:
		return ""
	case u.Partial:
		return "partial " + u.Reason.Code
	}
	return u.Reason.Code
}

func status(s *Snapshot, name string) SourceStatus {
	for _, source := range s.Sources {
		if source.Name == name {
			return source.Status
		}
	}
	return ""
}
