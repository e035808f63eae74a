package slabmap

// drawing is a list of shapes. Later shapes cover earlier ones. It belongs to one goroutine.
type drawing struct {
	shapes []shape
}

// shape is a rectangle, a text, or a mark where the shapes of a slab begin or end. Lengths
// are in pixels of the SVG.
type shape struct {
	kind       shapeKind
	x, y, w, h float64 // of a text: x, y is where its baseline begins, h is its size
	colour     colour
	says       string // the text, or the title of the slab
}

// shapeKind says what a shape is.
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

// begin marks the shapes from here to end as those of one slab. says is its title.
func (d *drawing) begin(says string) {
	d.shapes = append(d.shapes, shape{kind: slabBegins, says: says})
}

func (d *drawing) end() { d.shapes = append(d.shapes, shape{kind: slabEnds}) }
