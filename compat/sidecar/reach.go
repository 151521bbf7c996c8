package sidecar

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"nodecompat/compat/manifest"
	"nodecompat/nodefeatures/verdict"
)

// unreachable says why what a probe or hook asks cannot be there, "" where it may be.
func unreachable(p *manifest.Pod, m manifest.Container, h handler) (field, reason string) {
	switch {
	case h.exec != nil:
		if len(h.exec.Command) > 0 && isSentence(h.exec.Command) {
			return "exec.command", fmt.Sprintf("runs %.100q, and no program has such a name: each word is an item of its own", h.exec.Command[0])
		}
	case h.get != nil && noHost(h.get.Host):
		return "httpGet.host", noHostReason(h.get.Host)
	case h.tcp != nil && noHost(h.tcp.Host):
		return "tcpSocket.host", noHostReason(h.tcp.Host)
	case h.get != nil && asksNode(p, m, h.get.Host, h.get.Port):
		return "httpGet.host", loopbackReason(h.get.Host)
	case h.tcp != nil && asksNode(p, m, h.tcp.Host, h.tcp.Port):
		return "tcpSocket.host", loopbackReason(h.tcp.Host)
	}
	return "", ""
}

// noHost reports what is neither a name nor an address: the kubelet puts it and the port together
// (net.JoinHostPort), and what has a colon stands in brackets then. Names of other scripts are encoded first.
// https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/probe/http/request.go
func noHost(host string) bool {
	_, err := netip.ParseAddr(host)
	return err != nil && (strings.Contains(host, "..") || strings.ContainsFunc(host, notInName))
}

// notInName reports a character that no name has: Go looks up none with it.
// https://github.com/golang/go/blob/go1.26.0/src/net/dnsclient.go
func notInName(r rune) bool {
	return r < utf8.RuneSelf && !strings.ContainsRune("-._", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

func noHostReason(host string) string {
	return fmt.Sprintf("asks %.60q, which is neither a name nor an address: the port stands in port, and IPv6 without brackets", host)
}

// isLoopback reports a host that is the machine itself for whoever asks.
func isLoopback(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap().WithZone("")
		return ip.IsLoopback() || ip.IsUnspecified()
	}
	switch name := strings.TrimSuffix(strings.ToLower(host), "."); name {
	case "localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback":
		return true
	default:
		return strings.HasSuffix(name, ".localhost") || shortLoopback().MatchString(name)
	}
}

// shortLoopback is 127.0.0.1 or 0.0.0.0 with parts left out, or zeros before them.
var shortLoopback = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(0*127(\.[0-9]+){0,3}|0+(\.0+){0,3})$`) })

func loopbackReason(host string) string {
	return fmt.Sprintf("asks %.60q, and it is the kubelet that asks: that is the node itself and not the Pod", host)
}

// isSentence reports a command line that was written as one word.
func isSentence(command []string) bool {
	words := strings.Fields(command[0])
	return command[0] != placeholder && len(words) > 1 && (len(command) == 1 || isShell(words[0]))
}

// asksNode reports a host that means the kubelet's own loopback address, where a Pod
// with a network of its own listens only by a host port.
func asksNode(p *manifest.Pod, m manifest.Container, host string, port intstr.IntOrString) bool {
	if p.Spec.HostNetwork || p.Refused(manifest.JoinPath(p.Path, "hostNetwork")) || !isLoopback(host) {
		return false
	}
	number := port.IntVal
	for _, named := range m.Ports {
		if port.Type == intstr.String && named.Name == port.StrVal {
			number = named.ContainerPort
		}
	}
	for _, c := range p.Containers() {
		for _, other := range c.Ports {
			if other.HostPort != 0 && other.HostPort == number {
				return false
			}
		}
	}
	return true
}

// reach is SC033.
func (l *linter) reach(m manifest.Container, field string, h handler) {
	what, reason := unreachable(l.pod, m, h)
	if reason == "" {
		return
	}
	severity, effect := verdict.SeverityWarning, "it fails, unless something else answers there"
	switch {
	case field == "startupProbe" && m.IsSidecar():
		severity, effect = verdict.SeverityError, "it never succeeds, and what comes after is never started"
	case field == "lifecycle.postStart":
		severity, effect = verdict.SeverityError, "it fails, and the container is killed again and again"
	case what == "exec.command":
		effect = "it always fails"
	}
	remedy := "remove host: a probe asks the Pod's own address, where the container has to listen"
	if what == "exec.command" {
		remedy = nested("let a shell take it apart", field+".exec.command", []string{"sh", "-c", h.exec.Command[0]})
	}
	l.find("SC033", severity, placeIn(m, manifest.JoinPath(field, what)), remedy, "it %s: %s", reason, effect)
}

var (
	ownPort = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?:\blocalhost|\b127\.0\.0\.1|\[::1\])[: /]+(\d{1,5})\b`)
	})
	waits = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\b(?:until|while)\b`) })
)

// deadlock is SC034: an init container that waits for what is started after it has
// ended. A sidecar before it may be what listens.
func (l *linter) deadlock(i int, m manifest.Container) {
	for _, before := range l.containers[:i] {
		if before.IsSidecar() {
			return
		}
	}
	text := commandLine(m.Container)
	if l.pod.Spec.HostNetwork || l.pod.Refused(l.spec("hostNetwork").path) || len(text) > maxScript || !waits().MatchString(text) {
		return
	}
	for _, match := range ownPort().FindAllStringSubmatch(text, -1) {
		number, _ := strconv.Atoi(match[1])
		for _, later := range l.containers {
			if later.Role == manifest.RoleRegular && listensOn(later, number) {
				l.find("SC034", verdict.SeverityError, placeIn(m, ""), "wait in the container that needs it, or ask another Pod by the name of its Service",
					"it waits for port %d of %q, which is started only after this init container has ended: neither ever comes to that", number, later.ShortName)
				return
			}
		}
	}
}

func listensOn(m manifest.Container, number int) bool {
	for _, port := range m.Ports {
		if int(port.ContainerPort) == number {
			return true
		}
	}
	return false
}

// commandLine is what a container runs, in one line.
func commandLine(c *corev1.Container) string {
	return strings.Join(slices.Concat(c.Command, c.Args), " ")
}

// maxScript is the length of a script that is looked through, in bytes.
const maxScript = 64 << 10

var forever = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\btail\s+(?:\S+\s+){0,5}?(?:-[a-zA-Z0-9]*[fF]\b|--follow\b)|\bsleep\s+inf(?:inity)?\b|\bwhile\s+(?:true|:|\[\s*1\s*\]|sleep\s+\d+)\s*(?:;|\n)`)
})

// neverEnds reports a command that can be seen to go on for ever.
func neverEnds(c *corev1.Container) bool {
	text := commandLine(c)
	for _, way := range []string{"break", "exit", "kill", "timeout", "return", "&"} {
		if strings.Contains(text, way) {
			return false
		}
	}
	return len(text) <= maxScript && forever().MatchString(text)
}
