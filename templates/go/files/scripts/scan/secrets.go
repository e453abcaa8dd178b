package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// A line that says `not-a-secret: REASON` is passed over.
var notASecret = regexp.MustCompile(`not-a-secret: \S`)

var secretForms = []struct {
	kind string
	form *regexp.Regexp
}{
	{"private key", regexp.MustCompile(`-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----`)},
	{"AWS access key", regexp.MustCompile(`\b(?:AKIA|ASIA)[0-9A-Z]{16}\b`)},
	{"GitHub token", regexp.MustCompile(`\b(?:gh[oprsu]_[A-Za-z0-9]{36}|github_pat_\w{60})`)},
	{"GitLab token", regexp.MustCompile(`\bglpat-[\w-]{20}`)},
	{"Google API key", regexp.MustCompile(`\bAIza[\w-]{35}`)},
	{"JSON Web Token", regexp.MustCompile(`\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}`)},
	{"model provider key", regexp.MustCompile(`\bsk-(?:ant-|proj-)?[A-Za-z0-9]{20}`)},
	{"npm token", regexp.MustCompile(`\bnpm_[A-Za-z0-9]{36}`)},
	{"Slack token", regexp.MustCompile(`\bxox[abeoprs]-[A-Za-z0-9-]{10}`)},
	{"Stripe key", regexp.MustCompile(`\b[rs]k_live_[A-Za-z0-9]{20}`)},
}

var assigned = regexp.MustCompile(
	`(?i)(?:api_?key|passwd|password|private_?key|secret|token)["']?\s*:?[:=]\s*["']?([\w+/=.-]{20,})`)

// randomFrom is the entropy, in bits a character, from which a value looks like a key: words stay below.
const randomFrom = 4

// findSecrets says what kinds of secret stand in a text, line by line; never the secret itself.
func findSecrets(text string) []string {
	var found []string
	number := 0
	for line := range strings.Lines(text) {
		number++
		if notASecret.MatchString(line) {
			continue
		}
		for _, secret := range secretForms {
			if secret.form.MatchString(line) {
				found = append(found, fmt.Sprintf("%d: %s", number, secret.kind))
			}
		}
		value := assigned.FindStringSubmatch(line)
		if value != nil && strings.ContainsAny(value[1], "0123456789") && entropy(value[1]) > randomFrom {
			found = append(found, fmt.Sprintf("%d: assigned secret", number))
		}
	}
	return found
}

func entropy(text string) float64 {
	counts := map[rune]float64{}
	for _, r := range text {
		counts[r]++
	}
	bits := 0.0
	for _, count := range counts {
		share := count / float64(len(text))
		bits -= share * math.Log2(share)
	}
	return bits
}

func secretsOf(root string) check {
	c := check{name: "secrets"}
	files, err := sourceFiles(root)
	if err != nil {
		c.findings = []string{err.Error()}
		return c
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			continue // deleted since it was listed
		}
		for _, found := range findSecrets(string(text)) {
			c.findings = append(c.findings, file+":"+found)
		}
	}
	return c
}

// sourceFiles are what git tracks or would track; without git, all that the targets of the Makefile have not written.
func sourceFiles(root string) ([]string, error) {
	git := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	git.Dir = root
	if out, err := git.Output(); err == nil && len(out) > 0 {
		return strings.Split(string(bytes.TrimSuffix(out, []byte{0})), "\x00"), nil
	}
	var files []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "bin" || entry.Name() == "build"):
			return filepath.SkipDir
		case entry.Type().IsRegular():
			name, err := filepath.Rel(root, path)
			files = append(files, name)
			return err
		}
		return nil
	})
	return files, err
}
