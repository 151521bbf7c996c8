// Command bareclient makes the requests that a file lists, one after the other,
// and reads the answers: what talking to a registry costs a Go program that does
// nothing else. A line of the file is METHOD, URL, Accept and the expected
// status, separated by tabs.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: bareclient FILE")
		os.Exit(2)
	}
	if err := replay(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "bareclient:", err)
		os.Exit(1)
	}
}

func replay(file string) error {
	list, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(list)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) != 4 {
			return fmt.Errorf("want 4 fields in %q", line)
		}
		if err := request(fields[0], fields[1], fields[2], fields[3]); err != nil {
			return err
		}
	}
	return nil
}

func request(method, url, accept, status string) error {
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		return err
	}
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if strconv.Itoa(response.StatusCode) != status {
		return fmt.Errorf("%s %s: want %s, have %s", method, url, status, response.Status)
	}
	return nil
}
