package security

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// scan runs the real scan on a folder that holds one file.
func scan(t *testing.T, name, content string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds and runs the scan")
	}
	program := filepath.Join(t.TempDir(), "scan.exe")
	if out, err := exec.Command("go", "build", "-o", program, "../../scripts/scan").CombinedOutput(); err != nil {
		t.Fatal(string(out))
	}
	folder := t.TempDir()
	file := filepath.Join(folder, filepath.FromSlash(name))
	for _, needed := range []string{"cmd", "internal"} {
		if err := os.MkdirAll(filepath.Join(folder, needed), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program)
	command.Dir = folder
	out, err := command.CombinedOutput()
	if err == nil {
		t.Errorf("it says that all is clean: %s", out)
	}
	return string(out)
}

func TestTheScanFindsWhatIsPlanted(t *testing.T) {
	key := "AKIA" + "QYLPMN5HFIQR7XYA"
	out := scan(t, "internal/planted.go", "package p\n\nimport _ \"unsafe\"\n\nconst key = \""+key+"\"\n")
	for _, part := range []string{"internal/planted.go:5: AWS access key", "planted.go:3:8: unsafe memory", "ALLOW_UNAUDITED=1"} {
		if !strings.Contains(filepath.ToSlash(out), part) {
			t.Errorf("no %q in %s", part, out)
		}
	}
	if strings.Contains(out, key) {
		t.Error("the scan tells the secret")
	}
}
