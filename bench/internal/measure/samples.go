package measure

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/bench/internal/machine"
)

// format is the version of Samples as JSON.
const format = 1

// Samples are the raw samples of a run, with everything else that a report shows.
type Samples struct {
	Format  int             `json:"format"`
	Command string          `json:"command"`
	Quick   bool            `json:"quick"`
	Rounds  int             `json:"rounds"`
	Each    time.Duration   `json:"sample_ns"` // how long a sample takes, if it repeats an operation
	Began   time.Time       `json:"began"`
	Ended   time.Time       `json:"ended"`
	Machine machine.Machine `json:"machine"`

	Disciplines []Discipline `json:"disciplines"`
}

// Discipline has the samples of a discipline.
type Discipline struct {
	ID          string           `json:"id"`
	Group       string           `json:"group"`
	Title       string           `json:"title"`
	About       string           `json:"about,omitempty"`
	Size        int              `json:"size,omitempty"`
	Metrics     []contest.Metric `json:"metrics"`
	Contestants []Contestant     `json:"contestants"`
}

// Contestant has the samples of a contestant.
type Contestant struct {
	Name string       `json:"name"`
	Lang string       `json:"lang"`
	Role contest.Role `json:"role"`
	Note string       `json:"note,omitempty"`

	Skipped string `json:"skipped,omitempty"` // why there are no samples
	Failed  string `json:"failed,omitempty"`  // what was wrong with a sample

	Samples []contest.Metrics `json:"samples,omitempty"` // by round
}

// Of returns the samples of a metric.
func (c *Contestant) Of(key string) (all []float64) {
	for _, s := range c.Samples {
		if v, ok := s[key]; ok {
			all = append(all, v)
		}
	}
	return all
}

// Failures lists the contestants that have failed, with the reasons.
func (s *Samples) Failures() (all []string) {
	for _, d := range s.Disciplines {
		for _, c := range d.Contestants {
			if c.Failed != "" {
				all = append(all, fmt.Sprintf("%s, %s: %s", d.Title, c.Name, c.Failed))
			}
		}
	}
	return all
}

// Load reads samples from a file.
func Load(path string) (*Samples, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s := new(Samples)
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if s.Format != format {
		return nil, fmt.Errorf("%s: samples of format %d, this program knows %d", path, s.Format, format)
	}
	return s, nil
}

// Save writes samples to a file.
func (s *Samples) Save(path string) error {
	text, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o666)
}
