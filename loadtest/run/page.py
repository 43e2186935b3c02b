def page(o): return ""
