package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// CONTRIBUTING names each sort of build that CI tests, beside the changes that need it.
func TestContributingHasAllBuilds(t *testing.T) {
	script, err := os.ReadFile(filepath.Join(root, ".ci", "run"))
	require.NoError(t, err)
	page, err := os.ReadFile(filepath.Join(root, "CONTRIBUTING.md"))
	require.NoError(t, err)
	builds := regexp.MustCompile(`go (?:test|vet) .*?(-tags \w+|-race)`).FindAllStringSubmatch(string(script), -1)
	require.Greater(t, len(builds), 5)
	builds = append(builds, regexp.MustCompile(`(staticcheck@\S+)`).FindStringSubmatch(string(script)))
	for _, build := range builds {
		require.Contains(t, string(page), build[1])
	}
}
