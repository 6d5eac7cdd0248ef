/* holdfast-probe - static; the only file of the container that shows whether a runtime works. */
int
main(void)
{
    return 0;
}
