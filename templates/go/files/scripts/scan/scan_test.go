package main

import (
	"errors"
	"strings"
	"testing"
)

func TestOutcomes(t *testing.T) {
	unknown := check{name: "advisories", unknown: errors.New("no answer")}
	for _, c := range []struct {
		check    check
		accepted bool
		failed   bool
		says     string
	}{
		{check{name: "x"}, false, false, "x: clean"},
		{check{name: "x", findings: []string{"a"}}, true, true, "x: 1 found"},
		{unknown, false, true, "set ALLOW_UNAUDITED=1"},
		{unknown, true, false, "accepted by ALLOW_UNAUDITED=1"},
	} {
		if line, failed := c.check.outcome(c.accepted); failed != c.failed || !strings.Contains(line, c.says) {
			t.Error(line, failed)
		}
	}
}

func TestSecrets(t *testing.T) {
	text := strings.Join([]string{
		"-----BEGIN " + "RSA PRIVATE KEY-----", "key = 'gh" + "p_" + strings.Repeat("a1", 18) + "'",
		"api_key: " + "q9X2vB7nLk4TzR8wYc3M", "api_key: " + "q9X2vB7nLk4TzR8wYc3M // not-a-secret: a test",
		"password = settings.password_of_the_service", "token := " + "aaaaaaaaaaaaaaaaaaaaaaaa1",
	}, "\n")
	want := "1: private key, 2: GitHub token, 3: assigned secret"
	if got := strings.Join(findSecrets(text), ", "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestAdvisories(t *testing.T) {
	const sbom = `{"SBOM":{}}`
	const called = `{"finding":{"osv":"GO-1","trace":[{"module":"m","version":"v1","function":"F"}]}}`
	const imported = `{"finding":{"osv":"GO-2","trace":[{"module":"m","version":"v1"}]}}`
	if findings, complete := readAdvisories([]byte(sbom + called + imported + called)); !complete || len(findings) != 1 ||
		findings[0] != "m v1: GO-1" {
		t.Error(findings, complete)
	}
	if findings, complete := readAdvisories(nil); complete || findings != nil {
		t.Error("no answer is no all-clear")
	}
}

func TestLicences(t *testing.T) {
	for text, want := range map[string]string{
		"Apache License\n Version 2.0": "Apache-2.0", "Permission is hereby\n granted, free of charge": "MIT",
		"Redistribution and use in source and binary forms ... Neither the name": "BSD-3-Clause",
		"Redistribution and use in source and binary forms":                      "BSD-2-Clause", "GNU GENERAL PUBLIC LICENSE": "GPL",
		"All rights reserved": "unknown",
	} {
		if got := licenceOf(text); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}
