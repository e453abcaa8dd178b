// Command coverage reads a coverage profile and fails below the thresholds: 95 % of the business logic, 85 % of all.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

const (
	leastOfLogic = 95.0
	leastOfAll   = 85.0
)

// logic are the folders that hold what is the server's own.
var logic = []string{"/internal/tools/", "/internal/resources/", "/internal/prompts/", "/internal/services/"}

type count struct{ covered, all int }

func (c count) percent() float64 {
	if c.all == 0 {
		return 100
	}
	return 100 * float64(c.covered) / float64(c.all)
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: coverage PROFILE")
		os.Exit(2)
	}
	own, all, err := read(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("coverage: %.1f %% of tools, resources, prompts and services (at least %v %%), %.1f %% of all (at least %v %%)\n",
		own.percent(), leastOfLogic, all.percent(), leastOfAll)
	if own.percent() < leastOfLogic || all.percent() < leastOfAll {
		os.Exit(1)
	}
}

// read merges the blocks that several test programs ran.
func read(profile string) (own, all count, err error) {
	file, err := os.Open(profile)
	if err != nil {
		return own, all, err
	}
	defer func() { _ = file.Close() }()
	statements, ran := map[string]int{}, map[string]bool{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) != 3 {
			continue // the mode
		}
		if statements[fields[0]], err = strconv.Atoi(fields[1]); err != nil {
			return own, all, err
		}
		ran[fields[0]] = ran[fields[0]] || fields[2] != "0"
	}
	for block, size := range statements {
		add := func(c *count) {
			c.all += size
			if ran[block] {
				c.covered += size
			}
		}
		add(&all)
		for _, folder := range logic {
			if strings.Contains(block, folder) {
				add(&own)
			}
		}
	}
	return own, all, lines.Err()
}
