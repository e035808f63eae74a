package slabmap

// drawing is shapes, in the order in which they cover each other.
type drawing struct {
	shapes []shape
}

// shape is a rectangle, a text, or a mark that begins or ends a slab.
type shape struct {
	kind       shapeKind
	x, y, w, h float64 // of a text: x and y of its baseline, and its size in h
	colour     colour
	says       string // of a text, or of a slab
}

type shapeKind uint8

const (
	rectangle shapeKind = iota
	letters
	slabBegins
	slabEnds
)

func (d *drawing) rect(x, y, w, h float64, c colour) {
	d.shapes = append(d.shapes, shape{kind: rectangle, x: x, y: y, w: w, h: h, colour: c})
}

func (d *drawing) text(x, y, size float64, c colour, says string) {
	d.shapes = append(d.shapes, shape{kind: letters, x: x, y: y, h: size, colour: c, says: says})
}

// begin says that the shapes up to end are a slab.
func (d *drawing) begin(says string) {
	d.shapes = append(d.shapes, shape{kind: slabBegins, says: says})
}

func (d *drawing) end() { d.shapes = append(d.shapes, shape{kind: slabEnds}) }
