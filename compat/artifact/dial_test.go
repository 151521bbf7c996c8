package artifact

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nodecompat/compat/artifact/registrytest"
)

// resolve makes a repository look up names in a table.
func resolve(r *Repository, names map[string]string) {
	r.store.(*registry).connections.resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer func() { _ = server.Close() }()
			for answerQuestion(server, names) == nil {
			}
		}()
		return client, nil
	}}
}

// answerQuestion reads one DNS question and answers it, as over TCP:
// https://www.rfc-editor.org/rfc/rfc1035#section-4
func answerQuestion(conn io.ReadWriter, names map[string]string) error {
	var length uint16
	if err := binary.Read(conn, binary.BigEndian, &length); err != nil {
		return err
	}
	message := make([]byte, length)
	if _, err := io.ReadFull(conn, message); err != nil {
		return err
	}
	var labels []string
	end := 12
	for message[end] != 0 {
		labels = append(labels, string(message[end+1:end+1+int(message[end])]))
		end += 1 + int(message[end])
	}
	kind := message[end+2]
	message = message[:end+5]
	copy(message[2:12], []byte{0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0})
	ip, err := netip.ParseAddr(names[strings.Join(labels, ".")])
	if err == nil && (kind == 1) == ip.Is4() {
		raw := ip.AsSlice()
		message[7] = 1
		message = append(message, 0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 0, 0, byte(len(raw)))
		message = append(message, raw...)
	}
	_, err = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...))
	return err
}

// throughProxy opens a registry that is not on this machine, as far as the repository can know.
func throughProxy(t *testing.T, r *registrytest.Registry, o Options) *Repository {
	t.Helper()
	o.PlainHTTP = true
	repo, err := Open(t.Context(), "registry.test/app:1.0", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(repo.Close)
	repo.store.(*registry).connections.open.Proxy = func(req *http.Request) (*url.URL, error) {
		if req.URL.Hostname() == "registry.test" {
			return url.Parse(r.URL())
		}
		return nil, nil //nolint:nilnil // as http.ProxyFromEnvironment
	}
	return repo
}

// TestTokenServiceAddress connects to no token service at an address that none has, whatever name
// it goes by. A registry on this machine may have it there.
func TestTokenServiceAddress(t *testing.T) {
	t.Parallel()
	names := map[string]string{
		"here.test": "127.0.0.1", "link.test": "169.254.169.254", "azure.test": "168.63.129.16", "alibaba.test": "100.100.100.200",
	}
	for name, tt := range map[string]struct {
		realm string // PORT is the token service's
		proxy bool
		fine  bool
	}{
		"local":            {"http://127.0.0.1:PORT/token", false, true},
		"local by name":    {"http://here.test:PORT/token", false, true},
		"link-local":       {"http://link.test/token", false, false},
		"Azure":            {"http://azure.test/token", false, false},
		"Alibaba":          {"http://alibaba.test/token", false, false},
		"literal":          {"http://168.63.129.16/token", false, false},
		"zone":             {"http://[fe80::1%25lo]/token", false, false},
		"redirected":       {"http://127.0.0.1:PORT/redirect", false, false},
		"to a literal":     {"http://127.0.0.1:PORT/literal", false, false},
		"of a remote one":  {"http://127.0.0.1:PORT/token", true, false},
		"its name":         {"http://here.test:PORT/token", true, false},
		"unspecified":      {"http://0.0.0.0:PORT/token", true, false},
		"literal by proxy": {"http://169.254.169.254/token", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				switch req.URL.Path {
				case "/redirect":
					http.Redirect(w, req, "http://link.test/token", http.StatusFound)
				case "/literal":
					http.Redirect(w, req, "http://169.254.169.254/token", http.StatusFound)
				case "/token":
					asked.Add(1)
					_, _ = io.WriteString(w, `{"token":"`+token+`"}`)
				}
			}))
			t.Cleanup(service.Close)
			_, port, _ := strings.Cut(strings.TrimPrefix(service.URL, "http://"), ":")
			r := bearer(t, strings.Replace(tt.realm, "PORT", port, 1), nil)
			repo := open(t, r, "app:1.0", Options{Username: user, Password: password})
			if tt.proxy {
				repo = throughProxy(t, r, Options{Username: user, Password: password})
			}
			resolve(repo, names)
			_, err := repo.Image(testContext(t), amd64)
			if tt.fine {
				if err != nil || asked.Load() != 1 {
					t.Errorf("got %v after %d token requests", err, asked.Load())
				}
				return
			}
			wantCode(t, err, CodeUnauthorized)
			if asked.Load() > 0 || !strings.Contains(err.Error(), "which is no token service's") {
				t.Errorf("got %v after %d token requests", err, asked.Load())
			}
		})
	}
}

// bearer is a registry with one image that takes the one token, and names a token service. Before
// anything else, it may redirect a request to some other host.
func bearer(t *testing.T, realm string, intercept func(http.ResponseWriter, *http.Request) bool) *registrytest.Registry {
	t.Helper()
	r := registrytest.New(t, registrytest.Options{Intercept: func(w http.ResponseWriter, req *http.Request) bool {
		if intercept != nil && intercept(w, req) {
			return true
		}
		if req.Header.Get("Authorization") == "Bearer "+token {
			return false
		}
		w.Header().Set("Www-Authenticate", fmt.Sprintf("Bearer realm=%q", realm))
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}})
	r.PushImage(t, "app", "1.0", amd64)
	return r
}

// TestTokenServiceConnection uses no connection for a token request that was not checked when it
// was made.
func TestTokenServiceConnection(t *testing.T) {
	t.Parallel()
	var told []string
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		told = append(told, req.URL.Path)
		http.NotFound(w, req)
	}))
	t.Cleanup(service.Close)
	r := bearer(t, service.URL+"/token", func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.HasSuffix(req.URL.Path, "/manifests/elsewhere") {
			return false
		}
		http.Redirect(w, req, service.URL+"/redirected", http.StatusTemporaryRedirect)
		return true
	})
	repo := throughProxy(t, r, Options{Username: user, Password: password})
	_, err := repo.store.manifest(testContext(t), whatImage, "elsewhere")
	wantCode(t, err, CodeImageNotFound)
	_, err = repo.store.manifest(testContext(t), whatImage, "1.0")
	wantCode(t, err, CodeUnauthorized)
	if diff := cmp.Diff([]string{"/redirected"}, told); diff != "" {
		t.Errorf("it was asked (-want +got):\n%s", diff)
	}
}

// at is a connection that says where it leads.
type at struct {
	net.Conn
	remote net.Addr
}

func (c at) RemoteAddr() net.Addr { return c.remote }

// TestTokenServiceDial: what makes the connections in place of the system is not trusted with where
// they lead.
func TestTokenServiceDial(t *testing.T) {
	t.Parallel()
	for realm, fine := range map[string]bool{"here.test": true, "link.test": false} {
		asked := 0
		service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked++
			_, _ = io.WriteString(w, `{"token":"`+token+`"}`)
		}))
		r := bearer(t, "http://"+realm+"/token", nil)
		dial := func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == r.Host() {
				return new(net.Dialer).DialContext(ctx, network, address)
			}
			conn, err := new(net.Dialer).DialContext(ctx, network, service.Listener.Addr().String())
			if address == "link.test:80" {
				return at{conn, &net.TCPAddr{IP: net.IPv4(169, 254, 169, 254), Port: 80}}, err
			}
			return conn, err
		}
		_, err := open(t, r, "app:1.0", Options{Username: user, Password: password, Dial: dial}).Image(testContext(t), amd64)
		service.Close()
		if fine && (err != nil || asked != 1) || !fine && asked > 0 {
			t.Errorf("%s: got %v after %d token requests", realm, err, asked)
		}
		if !fine {
			wantCode(t, err, CodeUnauthorized)
		}
	}
}

func TestBlocked(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct{ blocked, local bool }{
		"127.0.0.1":              {false, true},
		"127.8.0.1":              {false, true},
		"::1":                    {false, true},
		"0.0.0.0":                {false, true},
		"::":                     {false, true},
		"::ffff:127.0.0.1":       {false, true},
		"64:ff9b::7f00:1":        {false, true},
		"0.1.2.3":                {true, false},
		"169.254.0.1":            {true, false},
		"169.254.169.254":        {true, false},
		"::ffff:169.254.169.254": {true, false},
		"64:ff9b::a9fe:a9fe":     {true, false},
		"2002:a9fe:a9fe::1":      {true, false},
		"fe80::1":                {true, false},
		"fe80::1%eth0":           {true, false},
		"fd00:ec2::254":          {true, false},
		"168.63.129.16":          {true, false},
		"100.100.100.200":        {true, false},
		"10.0.0.1":               {false, false},
		"172.16.0.1":             {false, false},
		"192.168.0.1":            {false, false},
		"100.64.0.1":             {false, false},
		"fd00::1":                {false, false},
		"8.8.8.8":                {false, false},
		"64:ff9b::808:808":       {false, false},
		"2001:db8::1":            {false, false},
	} {
		ip := netip.MustParseAddr(text)
		if blocked(ip) != want.blocked || isLocal(ip) != want.local {
			t.Errorf("%s: blocked %v, local %v", text, blocked(ip), isLocal(ip))
		}
	}
}
