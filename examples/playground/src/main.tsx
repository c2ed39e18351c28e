import { render } from 'preact'
import { App } from './app/index'
import './style/index.css'

render(<App />, document.getElementById('app')!)
