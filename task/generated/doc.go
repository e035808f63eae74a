// Package generated is what the code that framearena gen writes needs. It is for that code only:
// nobody else should import it.
package generated
