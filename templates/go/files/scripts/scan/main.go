// Command scan looks for unsafe code, secrets, licences that are not allowed, and known vulnerabilities. It exits with
// 0 when all is clean, and with 1 when something was found, or when the vulnerability database could not be asked and
// ALLOW_UNAUDITED=1 does not accept that.
package main

import (
	"fmt"
	"os"
	"strings"
)

type check struct {
	name     string
	findings []string
	// unknown says why nothing is known.
	unknown error
}

func main() {
	checks := []check{staticAnalysis(), secretsOf("."), licences(), advisories()}
	accepted := os.Getenv("ALLOW_UNAUDITED") == "1"
	failed := false
	for _, c := range checks {
		line, bad := c.outcome(accepted)
		fmt.Println(line)
		failed = failed || bad
	}
	if failed {
		os.Exit(1)
	}
}

func (c check) outcome(accepted bool) (line string, failed bool) {
	switch {
	case c.unknown != nil && accepted:
		return fmt.Sprintf("%s: NOT CHECKED, %v (accepted by ALLOW_UNAUDITED=1)", c.name, c.unknown), false
	case c.unknown != nil:
		return fmt.Sprintf("%s: NOT CHECKED, %v; set ALLOW_UNAUDITED=1 to accept that", c.name, c.unknown), true
	case len(c.findings) > 0:
		return fmt.Sprintf("%s: %d found\n  %s", c.name, len(c.findings), strings.Join(c.findings, "\n  ")), true
	default:
		return c.name + ": clean", false
	}
}
