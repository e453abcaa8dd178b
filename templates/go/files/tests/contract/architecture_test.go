package contract

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// order is the one way in which imports go, from the entry down to the chassis; what stands on one line may not
// import each other.
var order = [][]string{
	{"cmd"}, {"internal/server"}, {"internal/tools", "internal/resources", "internal/prompts"}, {"internal/services"},
	{"internal/settings"}, {"internal/chassis"},
}

const sdk = "github.com/modelcontextprotocol/go-sdk"

// importsOf lists, by package, what its files import that are not tests.
func importsOf(t *testing.T) (module string, imports map[string][]string) {
	t.Helper()
	module = regexp.MustCompile(`(?m)^module (\S+)$`).FindStringSubmatch(read(t, "go.mod"))[1]
	imports = map[string][]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		for _, imported := range file.Imports {
			target, err := strconv.Unquote(imported.Path.Value)
			if err != nil {
				return err
			}
			imports[name] = append(imports[name], strings.TrimPrefix(target, module+"/"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return module, imports
}

func layer(name string) int {
	return slices.IndexFunc(order, func(names []string) bool {
		return slices.ContainsFunc(names, func(at string) bool { return name == at || strings.HasPrefix(name, at+"/") })
	})
}

// wrong lists the imports that go up, or to another room of the same floor.
func wrong(imports map[string][]string) []string {
	var found []string
	for from, targets := range imports {
		for _, to := range targets {
			if layer(from) < 0 || layer(to) < 0 || strings.HasPrefix(from, "internal/chassis") && layer(to) == layer(from) {
				continue
			}
			if layer(to) <= layer(from) && to != from {
				found = append(found, fmt.Sprintf("%s imports %s", from, to))
			}
		}
	}
	return found
}

func TestImportsGoOneWay(t *testing.T) {
	_, imports := importsOf(t)
	if found := wrong(imports); len(found) > 0 {
		t.Error(strings.Join(found, "\n"))
	}
	planted := map[string][]string{
		"internal/chassis/limit": {"internal/settings"}, "internal/services": {"internal/tools"},
		"internal/tools": {"internal/resources"}, "internal/server": {"internal/tools"},
	}
	if found := wrong(planted); len(found) != 3 {
		t.Errorf("what is planted is not found: %v", found)
	}
}

func TestFewPackagesImportTheSDK(t *testing.T) {
	_, imports := importsOf(t)
	for name, targets := range imports {
		for _, target := range targets {
			allowed := layer(name) < 0 || name == "internal/server" || name == "internal/chassis/transport" ||
				strings.HasPrefix(name, "cmd/")
			if strings.HasPrefix(target, sdk) && !allowed {
				t.Errorf("%s imports %s", name, target)
			}
		}
	}
}

// The chassis names nothing that is the server's own: no tool, resource or prompt, and none of its settings.
func TestTheChassisNamesNothingOfTheServers(t *testing.T) {
	var names []string
	for path := range contracts() {
		names = append(names, strings.TrimSuffix(filepath.Base(path), ".json"))
	}
	names = append(names, matches(read(t, "internal/settings/settings.go"), `"(MCP_[A-Z_]+)"`)...)
	folder := filepath.Join(root, "internal", "chassis")
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, name := range names {
			if name != "operation" && strings.Contains(string(text), `"`+name+`"`) {
				t.Errorf("%s names %s", path, name)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
