package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// forbidden imports and calls have no place in a server: code that is made at run time, or is out of Go's safety.
var forbidden = map[string]string{
	"unsafe": "unsafe memory", "plugin": "code loaded at run time", "os/exec": "another process",
	"crypto/md5": "a broken hash", "crypto/sha1": "a broken hash", "math/rand": "guessable randomness",
	"math/rand/v2": "guessable randomness", "net/http/pprof": "a profile for everybody", "encoding/gob": "unbounded decoding",
}

// staticAnalysis looks for what the compiler and the linters allow, and a server should not do.
func staticAnalysis() check {
	c := check{name: "static analysis"}
	for _, root := range []string{"cmd", "internal"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, path, nil, 0)
			if err != nil {
				return err
			}
			c.findings = append(c.findings, unsafeIn(files, file)...)
			return nil
		})
		if err != nil {
			c.findings = append(c.findings, err.Error())
		}
	}
	return c
}

func unsafeIn(files *token.FileSet, file *ast.File) []string {
	var found []string
	add := func(at token.Pos, what string) {
		found = append(found, fmt.Sprintf("%s: %s", files.Position(at), what))
	}
	for _, imported := range file.Imports {
		if why, ok := forbidden[strings.Trim(imported.Path.Value, `"`)]; ok {
			add(imported.Pos(), why)
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		if field, ok := node.(*ast.KeyValueExpr); ok {
			if name, ok := field.Key.(*ast.Ident); ok && name.Name == "InsecureSkipVerify" {
				add(node.Pos(), "certificates are not verified")
			}
		}
		return true
	})
	return found
}

// allowed are the licences that may be shipped.
var allowed = []string{
	"MIT",
	"Apache-2.0",
	"BSD-2-Clause",
	"BSD-3-Clause",
	"ISC",
}

// licenceMarks are how a licence's text is known.
var licenceMarks = []struct{ name, mark string }{
	{"Apache-2.0", "Apache License"},
	{"MPL-2.0", "Mozilla Public License"},
	{"AGPL", "GNU AFFERO GENERAL PUBLIC LICENSE"},
	{"LGPL", "GNU LESSER GENERAL PUBLIC LICENSE"},
	{"GPL", "GNU GENERAL PUBLIC LICENSE"},
	{"ISC", "Permission to use, copy, modify, and/or distribute this software"},
	{"MIT", "Permission is hereby granted, free of charge"},
	{"BSD-3-Clause", "Neither the name"},
	{"BSD-3-Clause", "names of its contributors may be used"},
	{"BSD-2-Clause", "Redistribution and use in source and binary forms"},
}

func licenceOf(text string) string {
	words := strings.Join(strings.Fields(text), " ")
	for _, licence := range licenceMarks {
		if strings.Contains(words, licence.mark) {
			return licence.name
		}
	}
	return "unknown"
}

// licences reads those of the modules whose code is in the program.
func licences() check {
	c := check{name: "licences"}
	out, err := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}",
		"./cmd/...").Output()
	if err != nil {
		c.findings = []string{"go list: " + err.Error()}
		return c
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.Sort(lines)
	for _, line := range slices.Compact(lines) {
		module, folder, ok := strings.Cut(line, " ")
		if !ok {
			continue
		}
		if licence := licenceIn(folder); !slices.Contains(allowed, licence) {
			c.findings = append(c.findings, module+": licence "+licence)
		}
	}
	return c
}

func licenceIn(folder string) string {
	for _, pattern := range []string{"LICENSE*", "LICENCE*", "COPYING*"} {
		files, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil || len(files) == 0 {
			continue
		}
		if text, err := os.ReadFile(files[0]); err == nil {
			return licenceOf(string(text))
		}
	}
	return "unknown"
}

// advisories asks the vulnerability database about the code that is called. Its answer and its silence differ.
func advisories() check {
	var stdout, stderr bytes.Buffer
	tool := exec.Command("go", "tool", "govulncheck", "-format", "json", "./...")
	tool.Stdout, tool.Stderr = &stdout, &stderr
	err := tool.Run()
	findings, complete := readAdvisories(stdout.Bytes())
	if err != nil || !complete {
		message, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n")
		return check{name: "advisories", unknown: errors.New("the vulnerability database could not be asked: " + message)}
	}
	return check{name: "advisories", findings: findings}
}

// readAdvisories lists what is called of vulnerable code; complete tells that the database was read.
func readAdvisories(output []byte) (findings []string, complete bool) {
	decoder := json.NewDecoder(bytes.NewReader(output))
	for {
		var message struct {
			SBOM    *struct{}
			Finding *struct {
				OSV   string
				Trace []struct{ Module, Version, Function string }
			}
		}
		if decoder.Decode(&message) != nil {
			break
		}
		complete = complete || message.SBOM != nil
		if f := message.Finding; f != nil && len(f.Trace) > 0 && f.Trace[0].Function != "" {
			findings = append(findings, fmt.Sprintf("%s %s: %s", f.Trace[0].Module, f.Trace[0].Version, f.OSV))
		}
	}
	slices.Sort(findings)
	return slices.Compact(findings), complete
}
